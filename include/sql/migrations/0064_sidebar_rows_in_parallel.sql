-- Where everybody is looked at, the sidebar's rows are joined and built by parallel workers: PostgreSQL has none for an INSERT's own query,
-- but for one whose rows a function returns.

CREATE FUNCTION chosen_values(payload jsonb, names text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_object_agg(name, payload -> name), '{}') FROM unnest(names) AS name WHERE payload ? name
$$;
COMMENT ON FUNCTION chosen_values(jsonb, text[]) IS 'Those of the names that the payload has, with their values.';

CREATE OR REPLACE FUNCTION sidebar_expression(wanted_workspace text) RETURNS text LANGUAGE sql STABLE AS $$
    WITH chosen AS (
        SELECT field_name, mirror_expression(field_name) AS mirrored,
               field_name IN ('CreatedDate', 'LastModifiedDate', 'SystemModstamp', 'IsDeleted') AS is_typed,
               -- a function takes 100 arguments
               (row_number() OVER (PARTITION BY mirror_expression(field_name) IS NULL ORDER BY position, field_name) - 1) / 40 AS block
          FROM sidebar_field_choice
         WHERE workspace_id = wanted_workspace
    ), own AS (
        -- text by text is built in half the time
        SELECT coalesce(nullif(concat_ws(' || ',
                   'jsonb_object(' || quote_literal(array_agg(field_name) FILTER (WHERE NOT is_typed)) || '::text[], ARRAY['
                       || string_agg(mirrored || '::text', ', ') FILTER (WHERE NOT is_typed) || '])',
                   'jsonb_build_object(' || string_agg(format('%L, %s', field_name, mirrored), ', ') FILTER (WHERE is_typed) || ')'),
                   ''), '''{}''::jsonb') AS columns
          FROM (SELECT * FROM chosen WHERE mirrored IS NOT NULL ORDER BY octet_length(field_name), field_name COLLATE "C") AS c
    ), kept AS (
        SELECT array_agg(field_name) AS names,
               (SELECT string_agg(format('jsonb_build_object(%s)', pairs), ' || ')
                  FROM (SELECT string_agg(format('%L, s.payload -> %L', field_name, field_name), ', ') AS pairs
                          FROM chosen WHERE mirrored IS NULL GROUP BY block) AS part) AS built
          FROM chosen
         WHERE mirrored IS NULL
    )
    SELECT CASE WHEN names IS NULL THEN columns
                -- no subquery: a parallel worker would leave the whole object to its leader
                ELSE format('CASE WHEN s.payload - %1$L::text[] = ''{}'' THEN s.payload WHEN s.payload ?& %1$L::text[] THEN %2$s '
                            'ELSE chosen_values(s.payload, %1$L::text[]) END || %3$s', names, built, columns) END
      FROM own, kept
$$;

CREATE FUNCTION matched_rows(query text, wanted_workspace text, serving_org salesforce_id)
RETURNS TABLE (respond_id bigint, salesforce_id salesforce_id, matched_by text, fields jsonb, as_of timestamptz)
LANGUAGE plpgsql
-- the rows are few bytes to hand over beside what it takes to build them
SET parallel_tuple_cost = 0.01
-- one worker beside the leader, who gathers: two would wait for it
SET max_parallel_workers_per_gather = 1
-- the narrow side of the join is hashed, and the wide one only read
SET work_mem = '64MB'
AS $$
BEGIN
    RETURN QUERY EXECUTE query USING wanted_workspace, serving_org;
END
$$;
COMMENT ON FUNCTION matched_rows(text, text, salesforce_id) IS 'What a query of write_matched_rows finds that matched contacts show, built in parallel.';

CREATE OR REPLACE FUNCTION write_matched_rows(wanted_workspace text, is_broad boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    values_of text := sidebar_expression(wanted_workspace);
    looked_at text := CASE WHEN is_broad THEN 'contact_match m' ELSE
        'changed_row x JOIN contact_match m ON m.workspace_id = x.workspace_id AND m.respond_id = x.respond_id' END;
    -- one that a creation wrote in the meantime is newer than what we know
    unless_written text := 'ON CONFLICT (workspace_id, respond_id) DO NOTHING';
    missing text := format($query$
        SELECT m.respond_id, m.salesforce_id, m.matched_by, %s AS fields, s.read_at AS as_of
          FROM %s
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         WHERE m.org_id = $2 AND m.workspace_id = $1
           AND NOT EXISTS (SELECT FROM sidebar_fields h WHERE h.workspace_id = m.workspace_id AND h.respond_id = m.respond_id)
        $query$, values_of, looked_at);
    insertion text := format($insert$
        INSERT INTO sidebar_fields (org_id, workspace_id, respond_id, salesforce_id, salesforce_url, match_status, matched_by,
                                    fields, stale, as_of)
        SELECT $2, $1, r.respond_id, r.salesforce_id, $3 || '/lightning/r/Contact/' || r.salesforce_id || '/view',
               'matched', r.matched_by, r.fields, $4, r.as_of
          FROM %s AS r
        $insert$, CASE WHEN is_broad THEN format('matched_rows(%L, $1, $2)', missing) ELSE format('(%s)', missing) END);
    -- of the column's own type: as text it would be checked for each row
    serving_org salesforce_id;
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
    BEGIN
        -- to ask of each row whether somebody else is writing it costs a fifth of the time
        EXECUTE insertion USING wanted_workspace, serving_org, base_url, lost;
    EXCEPTION WHEN unique_violation THEN
        EXECUTE insertion || unless_written USING wanted_workspace, serving_org, base_url, lost;
    END;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN changed + added;
END
$$;
