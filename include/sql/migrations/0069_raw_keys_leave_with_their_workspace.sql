-- Raw keys are kept only for orgs that serve a workspace in exact mode: when the last one leaves, its org's contacts are looked at again.

CREATE OR REPLACE FUNCTION feed_workspace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.org_id IS DISTINCT FROM OLD.org_id THEN
        UPDATE respond_contact SET org_id = NEW.org_id WHERE workspace_id = NEW.workspace_id;
        PERFORM delete_free_changes(NEW.workspace_id, OLD.org_id);
        -- where nobody is served any more, it waits on the feed until somebody is
        IF OLD.org_id IS NOT NULL AND OLD.match_mode = 'exact'
           AND NOT EXISTS (SELECT FROM workspace w WHERE w.org_id = OLD.org_id AND w.match_mode = 'exact') THEN
            INSERT INTO pending_change (org_id, entity) VALUES (OLD.org_id, 'salesforce_contact');
        END IF;
    END IF;
    IF NEW.org_id IS NULL THEN
        RETURN NULL;
    END IF;
    IF (NEW.org_id, NEW.default_region) IS DISTINCT FROM (OLD.org_id, OLD.default_region) THEN
        INSERT INTO pending_change (org_id, workspace_id, entity) VALUES (NEW.org_id, NEW.workspace_id, 'respond_contact');
    END IF;
    IF (NEW.org_id, NEW.match_mode) IS DISTINCT FROM (OLD.org_id, OLD.match_mode) AND 'exact' IN (NEW.match_mode, OLD.match_mode) THEN
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
