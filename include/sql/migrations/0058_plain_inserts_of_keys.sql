-- Keys are inserted as what they nearly always are, new ones: to ask of each whether somebody else is writing it takes a third of the time.
-- One that stands for another contact now is deleted and inserted; none is ever updated.

DROP TRIGGER salesforce_key_feeds_update ON salesforce_key;

CREATE FUNCTION insert_plainly(insertion text, wanted_org salesforce_id) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    added bigint;
BEGIN
    BEGIN
        EXECUTE insertion USING wanted_org;
    EXCEPTION WHEN unique_violation THEN
        -- another batch, or a creation, knew one of the contacts; if it had read an older state, the change since is on the feed
        EXECUTE insertion || ' ON CONFLICT DO NOTHING' USING wanted_org;
    END;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
COMMENT ON FUNCTION insert_plainly(text, salesforce_id) IS 'Run an INSERT of rows that are not there; what somebody wrote meanwhile stays as it is. Return how many were written.';

CREATE FUNCTION insert_missing_salesforce_keys(wanted_org salesforce_id) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN insert_plainly($insert$
        INSERT INTO salesforce_key (org_id, kind, key, salesforce_id, effective_id, source_fields)
        SELECT $1, w.kind, w.key, w.salesforce_id, w.effective_id, w.source_fields
          FROM wanted_salesforce_key w
         WHERE NOT EXISTS (
               SELECT FROM salesforce_key k
                WHERE k.org_id = $1 AND k.kind = w.kind AND k.key = w.key AND k.salesforce_id = w.salesforce_id)
         -- in the order of the primary key, in which they are asked for
         ORDER BY w.kind, w.key, w.salesforce_id
        $insert$, wanted_org);
END
$$;
COMMENT ON FUNCTION insert_missing_salesforce_keys(salesforce_id) IS 'Write the keys of the working table wanted_salesforce_key that are not there; return how many.';

CREATE FUNCTION insert_missing_respond_keys(wanted_org salesforce_id) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN insert_plainly($insert$
        INSERT INTO respond_key (org_id, workspace_id, kind, key, respond_id)
        SELECT w.org_id, k.workspace_id, k.kind, k.key, k.respond_id
          FROM wanted_respond_key k
          JOIN workspace w ON w.workspace_id = k.workspace_id AND w.org_id = $1
         WHERE NOT EXISTS (
               SELECT FROM respond_key h
                WHERE h.workspace_id = k.workspace_id AND h.kind = k.kind AND h.key = k.key AND h.respond_id = k.respond_id)
         ORDER BY k.workspace_id, k.kind, k.key, k.respond_id
        $insert$, wanted_org);
END
$$;
COMMENT ON FUNCTION insert_missing_respond_keys(salesforce_id) IS 'Write the keys of the working table wanted_respond_key that are not there; return how many.';
