-- Matching and materializing at the speed of the joins they are: a large write feeds few rows, and sidebar values are composed once
-- per workspace instead of once per row.

ALTER TABLE pending_change ADD COLUMN entity_ids text[];
ALTER TABLE pending_change ADD CONSTRAINT pending_change_names_one_or_several CHECK (entity_id IS NULL OR entity_ids IS NULL);
COMMENT ON COLUMN pending_change.entity_ids IS 'Ids of several entities that one large write changed; entity_id is null then.';

CREATE VIEW pending_entity AS
SELECT p.change_id, p.org_id, p.workspace_id, p.entity, e.entity_id, p.queued_at
  FROM pending_change p
 CROSS JOIN LATERAL unnest(coalesce(p.entity_ids, ARRAY[p.entity_id])) AS e (entity_id);
COMMENT ON VIEW pending_entity IS 'The change feed, one row per entity.';

-- A million keys at once are a thousand rows of the feed; a few are a row each, which is easier to read.
CREATE FUNCTION entities_per_change(entities bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN entities > 100 THEN 1000 ELSE 1 END
$$;
COMMENT ON FUNCTION entities_per_change(bigint) IS 'How many of so many changed entities share a row of the feed.';

CREATE OR REPLACE FUNCTION feed_salesforce_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO pending_change (org_id, entity, entity_id, entity_ids)
        SELECT c.org_id, 'salesforce_key', CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT k.org_id, k.id, (row_number() OVER () - 1) / entities_per_change(count(*) OVER ()) AS share
                  FROM (SELECT DISTINCT org_id, kind || ':' || key AS id FROM new_rows) AS k) AS c
         GROUP BY c.org_id, c.share;
    ELSE
        INSERT INTO pending_change (org_id, entity, entity_id, entity_ids)
        SELECT c.org_id, 'salesforce_key', CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT k.org_id, k.id, (row_number() OVER () - 1) / entities_per_change(count(*) OVER ()) AS share
                  FROM (SELECT DISTINCT org_id, kind || ':' || key AS id FROM old_rows) AS k) AS c
         GROUP BY c.org_id, c.share;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION feed_respond_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, TG_ARGV[0],
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT r.org_id, r.workspace_id, r.respond_id::text AS id,
                       (row_number() OVER () - 1) / entities_per_change(count(*) OVER ()) AS share
                  FROM (SELECT DISTINCT org_id, workspace_id, respond_id FROM new_rows WHERE respond_id IS NOT NULL) AS r) AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    ELSE
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, TG_ARGV[0],
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT r.org_id, r.workspace_id, r.respond_id::text AS id,
                       (row_number() OVER () - 1) / entities_per_change(count(*) OVER ()) AS share
                  FROM (SELECT DISTINCT org_id, workspace_id, respond_id FROM old_rows WHERE respond_id IS NOT NULL) AS r) AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION feed_match_issue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, 'sidebar_row',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, workspace_id, respond_id::text AS id,
                       (row_number() OVER () - 1) / entities_per_change(count(*) OVER ()) AS share
                  FROM new_rows WHERE status = 'ambiguous') AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, 'sidebar_row',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, workspace_id, respond_id::text AS id,
                       (row_number() OVER () - 1) / entities_per_change(count(*) OVER ()) AS share
                  FROM old_rows WHERE status = 'ambiguous') AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    ELSE
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, 'sidebar_row',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT n.org_id, n.workspace_id, n.respond_id::text AS id,
                       (row_number() OVER () - 1) / entities_per_change(count(*) OVER ()) AS share
                  FROM new_rows n JOIN old_rows o USING (workspace_id, respond_id)
                 WHERE n.status <> o.status) AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    END IF;
    RETURN NULL;
END
$$;

-- A contact has one match, so nothing is named twice here.
CREATE FUNCTION feed_contact_match() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, 'sidebar_row',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, workspace_id, respond_id::text AS id, (row_number() OVER () - 1) / per_change AS share
                  FROM new_rows, (SELECT entities_per_change(count(*)) AS per_change FROM new_rows) AS n) AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    ELSE
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, 'sidebar_row',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, workspace_id, respond_id::text AS id, (row_number() OVER () - 1) / per_change AS share
                  FROM old_rows, (SELECT entities_per_change(count(*)) AS per_change FROM old_rows) AS n) AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER contact_match_feeds_insert ON contact_match;
DROP TRIGGER contact_match_feeds_update ON contact_match;
DROP TRIGGER contact_match_feeds_delete ON contact_match;
CREATE TRIGGER contact_match_feeds_insert AFTER INSERT ON contact_match
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_contact_match();
CREATE TRIGGER contact_match_feeds_update AFTER UPDATE ON contact_match
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_contact_match();
CREATE TRIGGER contact_match_feeds_delete AFTER DELETE ON contact_match
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_contact_match();

-- The mirror's own columns by API name: what salesforce_values builds for all, as text for one.
CREATE FUNCTION mirror_expression(field_name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE field_name
           WHEN 'Id' THEN 's.salesforce_id' WHEN 'FirstName' THEN 's.first_name' WHEN 'LastName' THEN 's.last_name'
           WHEN 'Email' THEN 's.email' WHEN 'Phone' THEN 's.phone' WHEN 'MobilePhone' THEN 's.mobile_phone'
           WHEN 'HomePhone' THEN 's.home_phone' WHEN 'OtherPhone' THEN 's.other_phone' WHEN 'MailingCountry' THEN 's.country'
           WHEN 'CreatedDate' THEN 's.created_at' WHEN 'CreatedById' THEN 's.created_by_id'
           WHEN 'LastModifiedDate' THEN 's.last_modified_at' WHEN 'LastModifiedById' THEN 's.last_modified_by_id'
           WHEN 'SystemModstamp' THEN 's.system_modstamp' WHEN 'IsDeleted' THEN '(s.presence <> ''live'')'
           WHEN 'MasterRecordId' THEN 's.master_record_id' END
$$;
COMMENT ON FUNCTION mirror_expression(text) IS 'SQL for a field that is a column of salesforce_contact s; null for one of the payload.';

-- One jsonb_build_object for all chosen fields is several times as fast as aggregating them row by row. A function takes
-- 100 arguments, hence the blocks of 40 fields. A payload that lacks a chosen field (read before it was chosen) goes the slow way.
CREATE FUNCTION sidebar_expression(wanted_workspace text) RETURNS text LANGUAGE sql STABLE AS $$
    WITH chosen AS (
        SELECT field_name, mirror_expression(field_name) AS mirrored,
               (row_number() OVER (ORDER BY position, field_name) - 1) / 40 AS block
          FROM sidebar_field_choice
         WHERE workspace_id = wanted_workspace
    ), part AS (
        SELECT block,
               format('jsonb_build_object(%s)', string_agg(
                   format('%L, %s', field_name, coalesce(mirrored, format('s.payload -> %L', field_name))), ', ')) AS all_there,
               format('jsonb_build_object(%s)', string_agg(
                   format('%L, %s', field_name, mirrored), ', ') FILTER (WHERE mirrored IS NOT NULL)) AS own_columns
          FROM chosen
         GROUP BY block
    ), whole AS (
        SELECT string_agg(all_there, ' || ') AS all_there, string_agg(own_columns, ' || ') AS own_columns,
               (SELECT array_agg(field_name) FROM chosen WHERE mirrored IS NULL) AS in_payload
          FROM part
    )
    SELECT CASE WHEN all_there IS NULL THEN '''{}''::jsonb'
                WHEN in_payload IS NULL THEN all_there
                ELSE format('CASE WHEN s.payload ?& %1$L::text[] THEN %2$s ELSE %3$s || (SELECT coalesce(jsonb_object_agg(n, s.payload -> n), ''{}'') '
                            'FROM unnest(%1$L::text[]) AS n WHERE s.payload ? n) END',
                            in_payload, all_there, coalesce(own_columns, '''{}''::jsonb')) END
      FROM whole
$$;
COMMENT ON FUNCTION sidebar_expression(text) IS 'SQL for the {API name: value} that a workspace''s sidebar shows of salesforce_contact s.';

-- Rows are compared as a whole: those that do not differ are neither written nor locked.
CREATE FUNCTION write_matched_rows(wanted_workspace text, is_broad boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    values_of text := sidebar_expression(wanted_workspace);
    looked_at text := CASE WHEN is_broad THEN 'contact_match m' ELSE
        'changed_row x JOIN contact_match m ON m.workspace_id = x.workspace_id AND m.respond_id = x.respond_id' END;
    unless_there text := 'AND NOT EXISTS (SELECT FROM sidebar_fields h WHERE h.workspace_id = m.workspace_id AND h.respond_id = m.respond_id)';
    -- one that a creation wrote in the meantime is newer than what we know
    unless_written text := 'ON CONFLICT (workspace_id, respond_id) DO NOTHING';
    insertion text;
    serving_org text;
    base_url text;
    lost jsonb;
    changed bigint;
    added bigint;
BEGIN
    SELECT o.org_id, o.instance_url INTO serving_org, base_url
      FROM workspace w JOIN salesforce_org o ON o.org_id = w.org_id
     WHERE w.workspace_id = wanted_workspace;
    SELECT coalesce(jsonb_object_agg(f.name, f.lost_at), '{}') INTO lost
      FROM sidebar_field_choice c
      JOIN salesforce_field f ON f.org_id = serving_org AND f.name = c.field_name
     WHERE c.workspace_id = wanted_workspace AND f.lost_at IS NOT NULL;
    EXECUTE format($update$
        UPDATE sidebar_fields h
           SET org_id = $2, salesforce_id = m.salesforce_id,
               salesforce_url = $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', match_status = 'matched',
               matched_by = m.matched_by, fields = %1$s, stale = $4, as_of = s.read_at, refreshed_at = now()
          FROM %2$s
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         WHERE m.org_id = $2 AND m.workspace_id = $1
           AND h.workspace_id = m.workspace_id AND h.respond_id = m.respond_id
           -- the fields come last: they need not be built where something else differs already
           AND (h.org_id, h.salesforce_id, h.salesforce_url, h.match_status, h.matched_by, h.stale, h.as_of, h.fields)
               IS DISTINCT FROM ($2, m.salesforce_id, $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', 'matched',
                                 m.matched_by, $4, s.read_at, %1$s)
        $update$, values_of, looked_at) USING wanted_workspace, serving_org, base_url, lost;
    GET DIAGNOSTICS changed = ROW_COUNT;
    insertion := format($insert$
        INSERT INTO sidebar_fields (org_id, workspace_id, respond_id, salesforce_id, salesforce_url, match_status, matched_by,
                                    fields, stale, as_of)
        SELECT $2, m.workspace_id, m.respond_id, m.salesforce_id, $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view',
               'matched', m.matched_by, %s, $4, s.read_at
          FROM %s
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         WHERE m.org_id = $2 AND m.workspace_id = $1 %s
        $insert$, values_of, looked_at, CASE WHEN is_broad THEN unless_there END);
    BEGIN
        -- to ask of each of a million rows whether somebody else is writing it costs a fifth of the time
        EXECUTE insertion || CASE WHEN is_broad THEN '' ELSE unless_written END USING wanted_workspace, serving_org, base_url, lost;
    EXCEPTION WHEN unique_violation THEN
        EXECUTE insertion || unless_written USING wanted_workspace, serving_org, base_url, lost;
    END;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN changed + added;
END
$$;
COMMENT ON FUNCTION write_matched_rows(text, boolean) IS 'Write the sidebar rows of a workspace''s matched contacts that are new or different: of all, or of those in changed_row.';

-- The application's role owns nothing, and only an owner may analyze. Whoever analyzes already is not waited for.
CREATE FUNCTION analyze_matches() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = contact_sync, pg_temp AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) contact_match, match_issue, sidebar_fields;
END
$$;
COMMENT ON FUNCTION analyze_matches() IS 'Renew the statistics of matches, issues and sidebar rows.';
REVOKE EXECUTE ON FUNCTION analyze_matches() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_matches() TO contact_sync_app;

-- Who shows a record is asked of contact_match; keeping the same index here cost a third of each first materialization.
DROP INDEX sidebar_fields_by_salesforce;
