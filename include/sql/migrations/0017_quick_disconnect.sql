-- A disconnect waits for no stage: changes that one is working off right now are left to it.

COMMENT ON COLUMN salesforce_field.regained_at IS 'Since when it is read anew for all contacts: it was lost, or nobody had chosen it, and changes were read without it.';

-- A stage holds the changes it claimed and asks for the workspace last; waiting for them with the workspace in hand was a deadlock.
CREATE FUNCTION delete_free_changes(left_workspace text, left_org text) RETURNS void LANGUAGE sql AS $$
    DELETE FROM pending_change
     WHERE change_id IN (
           SELECT change_id FROM pending_change
            WHERE workspace_id = left_workspace AND org_id = left_org
              FOR UPDATE SKIP LOCKED)
$$;
COMMENT ON FUNCTION delete_free_changes(text, text) IS 'Forget the changes of a workspace that left an org, but those a stage holds: from them it gets no verdict.';

CREATE OR REPLACE FUNCTION feed_workspace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.org_id IS DISTINCT FROM OLD.org_id THEN
        UPDATE respond_contact SET org_id = NEW.org_id WHERE workspace_id = NEW.workspace_id;
        PERFORM delete_free_changes(NEW.workspace_id, OLD.org_id);
    END IF;
    IF NEW.org_id IS NULL THEN
        RETURN NULL;
    END IF;
    IF (NEW.org_id, NEW.default_region) IS DISTINCT FROM (OLD.org_id, OLD.default_region) THEN
        INSERT INTO pending_change (org_id, workspace_id, entity) VALUES (NEW.org_id, NEW.workspace_id, 'respond_contact');
    END IF;
    IF (NEW.org_id, NEW.match_mode) IS DISTINCT FROM (OLD.org_id, OLD.match_mode) AND 'exact' IN (NEW.match_mode, OLD.match_mode) THEN
        -- raw keys are kept only for orgs that serve a workspace in exact mode
        INSERT INTO pending_change (org_id, entity) VALUES (NEW.org_id, 'salesforce_contact');
        INSERT INTO pending_change (org_id, workspace_id, entity) VALUES (NEW.org_id, NEW.workspace_id, 'respond_contact');
    END IF;
    IF (NEW.org_id, NEW.match_mode, NEW.ambiguous_policy, NEW.shared_key_limit)
       IS DISTINCT FROM (OLD.org_id, OLD.match_mode, OLD.ambiguous_policy, OLD.shared_key_limit) THEN
        INSERT INTO pending_change (org_id, workspace_id, entity) VALUES (NEW.org_id, NEW.workspace_id, 'respond_key');
    END IF;
    IF (NEW.org_id, NEW.editing_enabled) IS DISTINCT FROM (OLD.org_id, OLD.editing_enabled) THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        VALUES (NEW.org_id, NEW.workspace_id, 'sidebar_row', 'layout');
    END IF;
    RETURN NULL;
END
$$;
