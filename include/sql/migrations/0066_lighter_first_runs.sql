-- What first runs of everybody can do without: which workspaces an org serves is asked once for all verdicts and not for each, the planner
-- hears of some thousand rows and not of thirty, and working tables stay in memory.

CREATE OR REPLACE FUNCTION insert_verdicts(wanted_org text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    -- as its domain, which needs no check per row
    serving_org salesforce_id := wanted_org;
    served text[] := ARRAY(SELECT workspace_id FROM workspace WHERE org_id = wanted_org);
    -- rows come in the order of the primary key, as verdicts are made
    matches text := $insert$
        INSERT INTO contact_match (org_id, workspace_id, respond_id, salesforce_id, matched_by, email_key, phone_key)
        SELECT $1, v.workspace_id, v.respond_id, v.salesforce_id, v.rule, v.email_key, v.phone_key
          FROM verdict v
         WHERE v.status = 'matched'
           AND v.workspace_id = ANY ($2)
           AND NOT EXISTS (SELECT FROM contact_match m WHERE m.workspace_id = v.workspace_id AND m.respond_id = v.respond_id)
        $insert$;
    issues text := $insert$
        INSERT INTO match_issue (org_id, workspace_id, respond_id, status, reason, candidate_count, candidates)
        SELECT $1, v.workspace_id, v.respond_id, v.status, v.rule, v.candidate_count, v.candidates
          FROM verdict v
         WHERE v.status IN ('ambiguous', 'unmatched')
           AND v.workspace_id = ANY ($2)
           AND NOT EXISTS (SELECT FROM match_issue i WHERE i.workspace_id = v.workspace_id AND i.respond_id = v.respond_id)
        $insert$;
    insertion text;
    added bigint;
    total bigint := 0;
BEGIN
    FOREACH insertion IN ARRAY ARRAY[matches, issues] LOOP
        BEGIN
            EXECUTE insertion USING serving_org, served;
        EXCEPTION WHEN unique_violation THEN
            -- what a creation matched in the meantime is on the feed again
            EXECUTE insertion || ' ON CONFLICT (workspace_id, respond_id) DO NOTHING' USING serving_org, served;
        END;
        GET DIAGNOSTICS added = ROW_COUNT;
        total := total + added;
    END LOOP;
    RETURN total;
END
$$;

CREATE FUNCTION keep_working_tables_in_memory() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET temp_buffers = '256MB';
EXCEPTION WHEN invalid_parameter_value THEN
    -- this session has used some already
    NULL;
END
$$;
COMMENT ON FUNCTION keep_working_tables_in_memory() IS 'Give temporary tables of this session 256 MB before it uses the first one.';

-- A look at some thousand rows tells the planner what it must know until autovacuum has looked at more.
ALTER FUNCTION analyze_sidebar() SET default_statistics_target = 10;
ALTER FUNCTION analyze_matches() SET default_statistics_target = 10;
