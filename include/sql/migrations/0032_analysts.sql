-- Two read-only roles. contact_sync_analyst sees no value that tells who somebody is: of each table it may read the columns
-- listed here as plain, and the schema contact_sync_masked has the same names with the others masked. contact_sync_analyst_pii
-- sees the values. What is not listed here is shown to neither; nobody sees secrets.

-- Masks. A null stays a null, so that what is missing can be counted. Their bodies are bound now, whatever search_path they are called under.
CREATE FUNCTION mask_hidden(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value IS NOT NULL THEN '***' END;
COMMENT ON FUNCTION mask_hidden(text) IS 'Three stars.';
CREATE FUNCTION mask_shape(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(regexp_replace(value, '[0-9]', '9', 'g'), '[^\u0001-\u0040\u005b-\u0060\u007b-\u007f]', 'x', 'g');
COMMENT ON FUNCTION mask_shape(text) IS 'How a value is written: each digit a 9, each letter an x, ASCII punctuation and spaces as they are.';
CREATE FUNCTION mask_key(value text, salt bytea) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN mask_shape(value) || ' #' || left(encode(sha256(salt || convert_to(value, 'UTF8')), 'hex'), 12);
COMMENT ON FUNCTION mask_key(text, bytea) IS 'The shape of a key and a mark that equal keys share, so that masked keys can be joined and counted.';
CREATE FUNCTION mask_json(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(value) = 'null' THEN value WHEN value IS NOT NULL THEN '"***"' END;
COMMENT ON FUNCTION mask_json(jsonb) IS 'Three stars for whatever is there.';
CREATE FUNCTION mask_values(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(value) = 'object' THEN
                (SELECT coalesce(jsonb_object_agg(v.key, mask_json(v.value)), '{}') FROM jsonb_each(value) AS v)
           ELSE mask_json(value) END;
COMMENT ON FUNCTION mask_values(jsonb) IS 'An object''s names, with three stars for each value.';
CREATE FUNCTION mask_shapes(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(value) = 'object' THEN
                (SELECT coalesce(jsonb_object_agg(v.key, CASE WHEN jsonb_typeof(v.value) = 'string'
                        THEN to_jsonb(mask_shape(v.value #>> '{}')) ELSE mask_json(v.value) END), '{}') FROM jsonb_each(value) AS v)
           ELSE mask_json(value) END;
COMMENT ON FUNCTION mask_shapes(jsonb) IS 'An object''s names, with the shape of each value.';
CREATE FUNCTION mask_entity(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value ~ '^[A-Za-z0-9]{1,18}$' THEN value ELSE regexp_replace(value, '^(email|phone)?.*$', '\1:***') END;
COMMENT ON FUNCTION mask_entity(text) IS 'An id as it is; of kind:key the kind of a plain key.';
CREATE FUNCTION mask_id(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value ~ '^003[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$' THEN value ELSE mask_hidden(value) END;
COMMENT ON FUNCTION mask_id(text) IS 'The Id of a Contact as it is, anything else hidden.';
CREATE FUNCTION mask_hint(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN split_part(value, ':', 1);
COMMENT ON FUNCTION mask_hint(text) IS 'What to do, without the values that follow a colon.';

CREATE TABLE analyst_salt (
    salt      bytea NOT NULL,
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one)
);
COMMENT ON TABLE analyst_salt IS 'Keeps the marks of masked keys from being found out by trying; no analyst reads it.';
COMMENT ON COLUMN analyst_salt.salt IS '32 random bytes, made once per database.';
COMMENT ON COLUMN analyst_salt.only_one IS 'Always true.';
REVOKE INSERT, UPDATE, DELETE ON analyst_salt FROM contact_sync_app;
INSERT INTO analyst_salt (salt) VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

CREATE TABLE analyst_column (
    relation  text NOT NULL,
    name      text NOT NULL,
    mask      text NOT NULL,
    PRIMARY KEY (relation, name),
    CONSTRAINT analyst_column_mask CHECK (mask IN (
        'plain', 'hidden', 'shape', 'key', 'json', 'values', 'shapes', 'entity', 'id', 'hint', 'country', 'withheld', 'secret'))
);
COMMENT ON TABLE analyst_column IS 'What analysts may read. A table without a row here is closed to them; so is, to the masked role, a column of text, JSON or bytes without one.';
COMMENT ON COLUMN analyst_column.relation IS 'Table or view.';
COMMENT ON COLUMN analyst_column.name IS 'Its column.';
COMMENT ON COLUMN analyst_column.mask IS 'plain: as it is; hidden, shape, key, json, values, shapes, entity, id, hint: the function mask_… of it; country: its ISO code where it is known; withheld: not shown to contact_sync_analyst; secret: to neither.';
REVOKE INSERT, UPDATE, DELETE ON analyst_column FROM contact_sync_app;

INSERT INTO analyst_column (relation, name, mask)
SELECT l.relation, n.name, l.mask
  FROM (VALUES
    ('absent_winner', 'plain', 'org_id'),
    ('analyst_column', 'plain', 'relation name mask'),
    ('api_limit', 'plain', 'org_id'),
    ('api_usage', 'plain', 'lane'),
    ('contact_creation', 'plain', 'workspace_id status rule identifier tags error_code'),
    ('contact_creation', 'hidden', 'error_detail'),
    ('contact_match', 'plain', 'workspace_id matched_by'),
    ('contact_match', 'key', 'email_key phone_key'),
    ('creation_claim', 'plain', 'workspace_id kind'),
    ('creation_claim', 'key', 'key'),
    ('edit_event', 'plain', 'from_status to_status'),
    ('edit_event', 'hidden', 'actor'),
    ('edit_event', 'values', 'detail'),
    ('erased_person', 'withheld', 'digest'),
    ('extract_window', 'plain', 'kind status bulk_job_id fields detail'),
    ('field_edit', 'plain', 'workspace_id field_name status claimed_by error_code'),
    ('field_edit', 'json', 'base_value new_value stored_value'),
    ('field_edit', 'hidden', 'requested_by idempotency_key error_detail'),
    ('field_edit', 'withheld', 'request_digest'),
    ('held_change', 'plain', 'workspace_id kind sample_ids decision'),
    ('held_change', 'hidden', 'decided_by'),
    ('held_contact', 'plain', 'workspace_id kind'),
    ('key_rule', 'plain', 'kind region rules_version reason'),
    ('key_rule', 'key', 'key e164 national'),
    -- a digest of a phone number is found out by trying
    ('key_rule', 'withheld', 'raw_digest'),
    ('match_day', 'plain', 'workspace_id reasons'),
    ('match_decision', 'plain', 'workspace_id'),
    ('match_decision', 'hidden', 'reason decided_by'),
    ('match_explanation', 'plain', 'workspace_id salesforce_id effective_id kind salesforce_fields verdict matched_by issue_status issue_reason rule'),
    ('match_explanation', 'key', 'key'),
    ('match_explanation', 'shape', 'respond_value'),
    ('match_explanation', 'shapes', 'salesforce_values'),
    ('match_issue', 'plain', 'workspace_id status reason candidates'),
    ('match_overview', 'plain', 'workspace_id status reason'),
    ('near_miss', 'plain', 'workspace_id kind nearness salesforce_field rule verdict'),
    ('near_miss', 'key', 'key salesforce_key'),
    ('near_miss', 'shape', 'respond_value salesforce_value'),
    ('near_miss', 'hint', 'hint'),
    ('near_pair', 'plain', 'workspace_id respond_kind kind salesforce_kind source_fields'),
    ('near_pair', 'key', 'respond_key salesforce_key'),
    ('pending_change', 'plain', 'workspace_id entity'),
    ('pending_change', 'entity', 'entity_id'),
    ('pending_change', 'withheld', 'entity_ids'),
    ('pending_entity', 'plain', 'workspace_id entity'),
    ('pending_entity', 'entity', 'entity_id'),
    ('proven_window', 'plain', 'kind fields'),
    ('quality_result', 'plain', 'name sample_ids'),
    ('quality_run', 'plain', 'run_id why verdict measures'),
    ('quarantined_row', 'plain', 'workspace_id reason'),
    ('quarantined_row', 'id', 'salesforce_id'),
    ('quarantined_row', 'hidden', 'raw'),
    ('rate_bucket', 'plain', 'bucket_id'),
    ('respond_contact', 'plain', 'workspace_id written_by'),
    ('respond_contact', 'hidden', 'first_name last_name'),
    ('respond_contact', 'shape', 'email phone'),
    ('respond_contact', 'country', 'country'),
    ('respond_contact', 'values', 'payload'),
    ('respond_contact', 'withheld', 'content_hash'),
    ('respond_key', 'plain', 'workspace_id kind'),
    ('respond_key', 'key', 'key'),
    ('respond_look', 'plain', 'workspace_id'),
    ('respond_raw_value', 'plain', 'workspace_id kind source_field region'),
    ('respond_raw_value', 'shape', 'raw'),
    ('respond_raw_value', 'withheld', 'raw_digest'),
    ('respond_walk', 'plain', 'workspace_id'),
    ('salesforce_contact', 'plain', 'presence bulk_evidence'),
    ('salesforce_contact', 'hidden', 'first_name last_name'),
    ('salesforce_contact', 'shape', 'email phone mobile_phone home_phone other_phone'),
    ('salesforce_contact', 'country', 'country'),
    ('salesforce_contact', 'values', 'payload'),
    ('salesforce_field', 'plain', 'name label type picklist'),
    ('salesforce_field_event', 'plain', 'field_name event detail'),
    ('salesforce_key', 'plain', 'kind source_fields'),
    ('salesforce_key', 'key', 'key'),
    ('salesforce_org', 'plain', 'name conn_id instance_url api_version settled_detail describe_versions'),
    ('salesforce_raw_value', 'plain', 'presence kind source_field region'),
    ('salesforce_raw_value', 'shape', 'raw'),
    ('salesforce_raw_value', 'withheld', 'raw_digest'),
    ('salesforce_token', 'plain', 'instance_url rejected_reason'),
    ('salesforce_token', 'secret', 'access_token_enc refresh_token_enc rejected_credentials'),
    ('schema_migration', 'plain', 'name'),
    ('sidebar_field_choice', 'plain', 'workspace_id field_name label'),
    ('sidebar_field_values', 'plain', 'workspace_id field_name label type'),
    ('sidebar_field_values', 'json', 'value'),
    ('sidebar_fields', 'plain', 'workspace_id salesforce_url match_status matched_by stale'),
    ('sidebar_fields', 'values', 'fields'),
    ('sidebar_layout', 'plain', 'workspace_id layout'),
    ('stage_run', 'plain', 'run_id stage scope counts status error'),
    ('unusable_value', 'plain', 'system workspace_id kind source_field region reason'),
    ('unusable_value', 'shape', 'raw'),
    ('webhook_event', 'plain', 'workspace_id event_id event_type outcome'),
    ('workspace', 'plain', 'workspace_id name respond_org_id respond_conn_id match_mode ambiguous_policy id_field edit_sending')
       ) AS l (relation, mask, names)
 CROSS JOIN LATERAL unnest(string_to_array(l.names, ' ')) AS n (name);

-- A column of the types below can hold no text of anybody's.
CREATE VIEW analyst_column_mask AS
SELECT c.oid AS relation_oid, c.relname::text AS relation, a.attnum AS place, a.attname::text AS name,
       coalesce(l.mask, CASE WHEN t.typname IN ('salesforce_id', 'region', 'bool', 'int2', 'int4', 'int8', 'numeric', 'float8', 'date', 'timestamptz')
                             THEN 'plain' ELSE 'withheld' END) AS mask,
       l.mask IS NOT NULL AS is_listed
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN analyst_column l ON l.relation = c.relname AND l.name = a.attname
 WHERE c.relnamespace = 'contact_sync'::regnamespace
   AND c.relkind IN ('r', 'v')
   AND EXISTS (SELECT FROM analyst_column x WHERE x.relation = c.relname);
COMMENT ON VIEW analyst_column_mask IS 'Each column that is open to analysts, or could be, with its mask: what publish_to_analysts grants by.';
COMMENT ON COLUMN analyst_column_mask.relation_oid IS 'The table''s or view''s number in Postgres.';
COMMENT ON COLUMN analyst_column_mask.relation IS 'Table or view.';
COMMENT ON COLUMN analyst_column_mask.place IS 'The column''s number in Postgres.';
COMMENT ON COLUMN analyst_column_mask.name IS 'Its column.';
COMMENT ON COLUMN analyst_column_mask.mask IS 'As in analyst_column; for a column without a row there plain or withheld, by its type.';
COMMENT ON COLUMN analyst_column_mask.is_listed IS 'Whether analyst_column has it.';

CREATE FUNCTION create_masked_views() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    published record;
    definition text;
BEGIN
    FOR published IN
        SELECT relation,
               string_agg(CASE mask WHEN 'plain' THEN quote_ident(name)
                               WHEN 'country' THEN format($column$CASE WHEN v.%1$I IS NOT NULL THEN coalesce((SELECT r.key
                                   FROM contact_sync.key_rule r WHERE r.kind = 'country' AND r.region = ''
                                    AND r.raw_digest = sha256(convert_to(v.%1$I, 'UTF8'))), '***') END AS %1$I$column$, name)
                               WHEN 'key' THEN format('contact_sync.mask_key(%1$I, (SELECT salt FROM contact_sync.analyst_salt)) AS %1$I', name)
                               ELSE format('contact_sync.%I(%I) AS %I', 'mask_' || mask, name, name) END, ', ' ORDER BY place)
                   FILTER (WHERE mask NOT IN ('withheld', 'secret')) AS columns
          FROM analyst_column_mask
         GROUP BY relation
        HAVING bool_or(mask <> 'plain')
         ORDER BY relation
    LOOP
        definition := format('VIEW contact_sync_masked.%1$I WITH (security_barrier) AS SELECT %2$s FROM contact_sync.%1$I v',
                             published.relation, published.columns);
        BEGIN
            EXECUTE 'CREATE OR REPLACE ' || definition;
        EXCEPTION WHEN invalid_table_definition THEN -- a column went, came in between or changed its type
            EXECUTE format('DROP VIEW contact_sync_masked.%I', published.relation);
            EXECUTE 'CREATE ' || definition;
        END;
        EXECUTE format('COMMENT ON VIEW contact_sync_masked.%1$I IS %2$L', published.relation,
                       'contact_sync.' || published.relation || ' without what tells who somebody is.');
    END LOOP;
END
$$;
COMMENT ON FUNCTION create_masked_views() IS 'Make the views of contact_sync_masked anew. They are gone while a migration runs.';

CREATE FUNCTION grant_to_analysts(analyst text, kept_back text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    published record;
BEGIN
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA contact_sync FROM %I', analyst);
    FOR published IN
        SELECT relation, string_agg(quote_ident(name), ', ' ORDER BY place) FILTER (WHERE mask <> ALL (kept_back)) AS columns,
               bool_and(mask <> ALL (kept_back)) AS is_whole
          FROM analyst_column_mask
         GROUP BY relation
         ORDER BY relation
    LOOP
        IF published.is_whole THEN
            EXECUTE format('GRANT SELECT ON contact_sync.%I TO %I', published.relation, analyst);
        ELSIF published.columns IS NOT NULL THEN
            EXECUTE format('GRANT SELECT (%s) ON contact_sync.%I TO %I', published.columns, published.relation, analyst);
        END IF;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA contact_sync TO %I', analyst);
END
$$;
COMMENT ON FUNCTION grant_to_analysts(text, text[]) IS 'Let a role read the columns that are open to analysts, but for those with one of the masks.';

-- Roles belong to the server, so another database may have made them; a migrator who may not is told what to ask for.
CREATE FUNCTION create_analysts() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT w.name, w.path, format('ALTER ROLE %I SET search_path = %s', w.name, w.path) AS setting,
               ARRAY['search_path=' || w.path] AS settings
          FROM (VALUES ('contact_sync_analyst', 'contact_sync_masked, contact_sync'),
                       ('contact_sync_analyst_pii', 'contact_sync')) AS w (name, path)
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted.name);
            END IF;
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name AND rolconfig @> wanted.settings) THEN
                EXECUTE wanted.setting;
            END IF;
        EXCEPTION
            -- another database of this server was migrated in the same moment
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
                    RETURN NEXT format('CREATE ROLE %I NOLOGIN', wanted.name);
                END IF;
                RETURN NEXT wanted.setting;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION create_analysts() IS 'Make the two roles where they are missing; returns what a superuser must type where that is not allowed.';

CREATE FUNCTION publish_to_analysts() RETURNS SETOF text LANGUAGE plpgsql SET search_path = contact_sync, pg_temp AS $$
DECLARE
    analyst text;
BEGIN
    RETURN QUERY SELECT create_analysts();
    BEGIN
        IF to_regnamespace('contact_sync_masked') IS NULL THEN
            CREATE SCHEMA contact_sync_masked;
            COMMENT ON SCHEMA contact_sync_masked IS 'The tables of contact_sync without what tells who somebody is, for contact_sync_analyst.';
        END IF;
    EXCEPTION WHEN insufficient_privilege THEN
        RETURN NEXT format('GRANT CREATE ON DATABASE %I TO %I', current_database(), current_user);
        RETURN;
    END;
    PERFORM create_masked_views();
    FOR analyst IN SELECT rolname FROM pg_roles WHERE rolname IN ('contact_sync_analyst', 'contact_sync_analyst_pii') LOOP
        PERFORM grant_to_analysts(analyst, CASE analyst WHEN 'contact_sync_analyst_pii' THEN ARRAY['secret']
            ELSE ARRAY['hidden', 'shape', 'key', 'json', 'values', 'shapes', 'entity', 'id', 'hint', 'country', 'withheld', 'secret'] END);
        BEGIN
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), analyst);
        EXCEPTION WHEN insufficient_privilege THEN
            RETURN NEXT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), analyst);
        END;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'contact_sync_analyst') THEN
        GRANT USAGE ON SCHEMA contact_sync_masked TO contact_sync_analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA contact_sync_masked TO contact_sync_analyst;
    END IF;
END
$$;
COMMENT ON FUNCTION publish_to_analysts() IS 'Let the analysts'' roles read what analyst_column says, of the tables as they are now; every migrate ends with it. Returns what a superuser must type first, if anything.';
