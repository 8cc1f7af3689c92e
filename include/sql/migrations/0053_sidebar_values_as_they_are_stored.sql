-- Most rows of an org have in their payload what the sidebar shows and nothing else: it is taken as it is, not apart and together
-- again. That was a quarter of a first materialization.

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
          FROM (SELECT * FROM chosen WHERE mirrored IS NOT NULL ORDER BY field_name) AS c
    ), kept AS (
        SELECT array_agg(field_name) AS names,
               (SELECT string_agg(format('jsonb_build_object(%s)', pairs), ' || ')
                  FROM (SELECT string_agg(format('%L, s.payload -> %L', field_name, field_name), ', ') AS pairs
                          FROM chosen WHERE mirrored IS NULL GROUP BY block) AS part) AS built
          FROM chosen
         WHERE mirrored IS NULL
    )
    SELECT CASE WHEN names IS NULL THEN columns
                ELSE format('CASE WHEN s.payload - %1$L::text[] = ''{}'' THEN s.payload WHEN s.payload ?& %1$L::text[] THEN %2$s '
                            'ELSE (SELECT coalesce(jsonb_object_agg(n, s.payload -> n), ''{}'') FROM unnest(%1$L::text[]) AS n '
                            'WHERE s.payload ? n) END || %3$s', names, built, columns) END
      FROM own, kept
$$;

-- What was written, and only of it what a plan may ask: to look at a sample of the values shown takes longer than all else.
CREATE FUNCTION analyze_sidebar() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = contact_sync, pg_temp AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) sidebar_fields (org_id, workspace_id, respond_id, salesforce_id, match_status, matched_by);
END
$$;
COMMENT ON FUNCTION analyze_sidebar() IS 'Renew the statistics of sidebar rows.';
REVOKE EXECUTE ON FUNCTION analyze_sidebar() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_sidebar() TO contact_sync_app;

CREATE OR REPLACE FUNCTION analyze_matches() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = contact_sync, pg_temp AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) contact_match, match_issue;
END
$$;
COMMENT ON FUNCTION analyze_matches() IS 'Renew the statistics of matches and issues.';
