-- New matches and issues are inserted without asking of each row whether somebody else is writing it: that took a fifth of a first match.

CREATE FUNCTION insert_verdicts(wanted_org text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    -- the org as its domain, which needs no check per row; rows come in the order of the primary key, as verdicts are made
    matches text := $insert$
        INSERT INTO contact_match (org_id, workspace_id, respond_id, salesforce_id, matched_by, email_key, phone_key)
        SELECT w.org_id, v.workspace_id, v.respond_id, v.salesforce_id, v.rule, v.email_key, v.phone_key
          FROM verdict v
          JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = $1
         WHERE v.status = 'matched'
           AND NOT EXISTS (SELECT FROM contact_match m WHERE m.workspace_id = v.workspace_id AND m.respond_id = v.respond_id)
        $insert$;
    issues text := $insert$
        INSERT INTO match_issue (org_id, workspace_id, respond_id, status, reason, candidate_count, candidates)
        SELECT w.org_id, v.workspace_id, v.respond_id, v.status, v.rule, v.candidate_count, v.candidates
          FROM verdict v
          JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = $1
         WHERE v.status IN ('ambiguous', 'unmatched')
           AND NOT EXISTS (SELECT FROM match_issue i WHERE i.workspace_id = v.workspace_id AND i.respond_id = v.respond_id)
        $insert$;
    insertion text;
    added bigint;
    total bigint := 0;
BEGIN
    FOREACH insertion IN ARRAY ARRAY[matches, issues] LOOP
        BEGIN
            EXECUTE insertion USING wanted_org;
        EXCEPTION WHEN unique_violation THEN
            -- what a creation matched in the meantime is on the feed again
            EXECUTE insertion || ' ON CONFLICT (workspace_id, respond_id) DO NOTHING' USING wanted_org;
        END;
        GET DIAGNOSTICS added = ROW_COUNT;
        total := total + added;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION insert_verdicts(text) IS 'Write the matches and issues of the working table verdict that are new; return how many.';

-- Who is ambiguous is all that is ever asked of issues but one contact's; four columns of text for each miss took a tenth of a first match.
DROP INDEX match_issue_by_reason;
CREATE INDEX match_issue_ambiguous ON match_issue (org_id, workspace_id, respond_id) WHERE status = 'ambiguous';
