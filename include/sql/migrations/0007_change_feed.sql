-- The change feed: statement triggers append one pending_change per consumer concerned, in the writer's own transaction.
-- No stage compares timestamps with a remembered time, so nothing that commits late can be overlooked.

CREATE FUNCTION feed_salesforce_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- no sidebar row can show a contact that was not there
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT org_id, 'salesforce_contact', salesforce_id FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT org_id, 'salesforce_contact', salesforce_id FROM old_rows;
    ELSE
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT n.org_id, 'salesforce_contact', n.salesforce_id
          FROM new_rows n JOIN old_rows o USING (org_id, salesforce_id)
         WHERE (n.email, n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country, n.presence, n.master_record_id, n.created_at)
            IS DISTINCT FROM
               (o.email, o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country, o.presence, o.master_record_id, o.created_at);
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT n.org_id, 'sidebar_row', n.salesforce_id
          FROM new_rows n JOIN old_rows o USING (org_id, salesforce_id)
         WHERE (n.first_name, n.last_name, n.email, n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country, n.payload, n.presence, n.read_at)
            IS DISTINCT FROM
               (o.first_name, o.last_name, o.email, o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country, o.payload, o.presence, o.read_at);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER salesforce_contact_feeds_insert AFTER INSERT ON salesforce_contact
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_salesforce_contact();
CREATE TRIGGER salesforce_contact_feeds_update AFTER UPDATE ON salesforce_contact
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_salesforce_contact();
CREATE TRIGGER salesforce_contact_feeds_delete AFTER DELETE ON salesforce_contact
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_salesforce_contact();

CREATE FUNCTION feed_respond_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT org_id, workspace_id, 'respond_contact', respond_id::text FROM new_rows WHERE org_id IS NOT NULL;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT org_id, workspace_id, 'respond_contact', respond_id::text FROM old_rows WHERE org_id IS NOT NULL;
    ELSE
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT n.org_id, n.workspace_id, 'respond_contact', n.respond_id::text
          FROM new_rows n JOIN old_rows o USING (workspace_id, respond_id)
         WHERE n.org_id IS NOT NULL
           AND (n.org_id, n.email, n.phone, n.country, n.gone_at IS NULL)
               IS DISTINCT FROM (o.org_id, o.email, o.phone, o.country, o.gone_at IS NULL);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER respond_contact_feeds_insert AFTER INSERT ON respond_contact
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_contact();
CREATE TRIGGER respond_contact_feeds_update AFTER UPDATE ON respond_contact
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_contact();
CREATE TRIGGER respond_contact_feeds_delete AFTER DELETE ON respond_contact
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_contact();

CREATE FUNCTION feed_salesforce_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT DISTINCT org_id, 'salesforce_key', kind || ':' || key FROM new_rows;
    ELSE
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT DISTINCT org_id, 'salesforce_key', kind || ':' || key FROM old_rows;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER salesforce_key_feeds_insert AFTER INSERT ON salesforce_key
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_salesforce_key();
CREATE TRIGGER salesforce_key_feeds_update AFTER UPDATE ON salesforce_key
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_salesforce_key();
CREATE TRIGGER salesforce_key_feeds_delete AFTER DELETE ON salesforce_key
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_salesforce_key();

-- Serves every table whose rows name a respond contact that must be matched or shown again; the argument is the entity.
CREATE FUNCTION feed_respond_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT DISTINCT org_id, workspace_id, TG_ARGV[0], respond_id::text FROM new_rows WHERE respond_id IS NOT NULL;
    ELSE
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT DISTINCT org_id, workspace_id, TG_ARGV[0], respond_id::text FROM old_rows WHERE respond_id IS NOT NULL;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER respond_key_feeds_insert AFTER INSERT ON respond_key
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER respond_key_feeds_delete AFTER DELETE ON respond_key
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER match_decision_feeds_insert AFTER INSERT ON match_decision
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER match_decision_feeds_update AFTER UPDATE ON match_decision
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER match_decision_feeds_delete AFTER DELETE ON match_decision
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER contact_creation_feeds_insert AFTER INSERT ON contact_creation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER contact_creation_feeds_update AFTER UPDATE ON contact_creation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER contact_creation_feeds_delete AFTER DELETE ON contact_creation
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('respond_key');
CREATE TRIGGER contact_match_feeds_insert AFTER INSERT ON contact_match
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('sidebar_row');
CREATE TRIGGER contact_match_feeds_update AFTER UPDATE ON contact_match
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('sidebar_row');
CREATE TRIGGER contact_match_feeds_delete AFTER DELETE ON contact_match
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_respond_id('sidebar_row');

-- An unmatched contact has no sidebar row: only ambiguous issues concern the sidebar.
CREATE FUNCTION feed_match_issue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT org_id, workspace_id, 'sidebar_row', respond_id::text FROM new_rows WHERE status = 'ambiguous';
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT org_id, workspace_id, 'sidebar_row', respond_id::text FROM old_rows WHERE status = 'ambiguous';
    ELSE
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
        SELECT n.org_id, n.workspace_id, 'sidebar_row', n.respond_id::text
          FROM new_rows n JOIN old_rows o USING (workspace_id, respond_id)
         WHERE n.status <> o.status;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER match_issue_feeds_insert AFTER INSERT ON match_issue
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_match_issue();
CREATE TRIGGER match_issue_feeds_update AFTER UPDATE ON match_issue
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_match_issue();
CREATE TRIGGER match_issue_feeds_delete AFTER DELETE ON match_issue
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_match_issue();

-- Settings concern whole workspaces: entity_id null. A connection moves the workspace's mirror to its new org.
CREATE FUNCTION feed_workspace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.org_id IS DISTINCT FROM OLD.org_id THEN
        UPDATE respond_contact SET org_id = NEW.org_id WHERE workspace_id = NEW.workspace_id;
        DELETE FROM pending_change WHERE workspace_id = NEW.workspace_id AND org_id = OLD.org_id;
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
CREATE TRIGGER workspace_feeds AFTER UPDATE ON workspace FOR EACH ROW EXECUTE FUNCTION feed_workspace();

CREATE FUNCTION feed_salesforce_org() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.default_region IS DISTINCT FROM OLD.default_region THEN
        INSERT INTO pending_change (org_id, entity) VALUES (NEW.org_id, 'salesforce_contact');
        INSERT INTO pending_change (org_id, workspace_id, entity)
        SELECT NEW.org_id, workspace_id, 'respond_contact' FROM workspace WHERE org_id = NEW.org_id;
    END IF;
    IF NEW.instance_url IS DISTINCT FROM OLD.instance_url THEN
        INSERT INTO pending_change (org_id, workspace_id, entity)
        SELECT NEW.org_id, workspace_id, 'sidebar_row' FROM workspace WHERE org_id = NEW.org_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER salesforce_org_feeds AFTER UPDATE ON salesforce_org FOR EACH ROW EXECUTE FUNCTION feed_salesforce_org();

CREATE FUNCTION feed_field_choice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending_change (org_id, workspace_id, entity)
    SELECT DISTINCT w.org_id, w.workspace_id, 'sidebar_row'
      FROM changed_rows c JOIN workspace w USING (workspace_id)
     WHERE w.org_id IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER sidebar_field_choice_feeds_insert AFTER INSERT ON sidebar_field_choice
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_field_choice();
CREATE TRIGGER sidebar_field_choice_feeds_delete AFTER DELETE ON sidebar_field_choice
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_field_choice();

-- A new order or label of a chosen field changes the layout alone.
CREATE FUNCTION feed_field_choice_layout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
    SELECT DISTINCT w.org_id, w.workspace_id, 'sidebar_row',
           CASE WHEN bool_or(o.field_name IS NULL) THEN NULL ELSE 'layout' END
      FROM new_rows n
      JOIN workspace w USING (workspace_id)
      LEFT JOIN old_rows o USING (workspace_id, field_name)
     WHERE w.org_id IS NOT NULL
     GROUP BY w.org_id, w.workspace_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER sidebar_field_choice_feeds_update AFTER UPDATE ON sidebar_field_choice
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_field_choice_layout();

-- A lost or regained field marks values stale or fresh; any other news of the describe changes the layout alone.
CREATE FUNCTION feed_salesforce_field() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
    SELECT w.org_id, w.workspace_id, 'sidebar_row',
           CASE WHEN bool_or(n.lost_at IS DISTINCT FROM o.lost_at) THEN NULL ELSE 'layout' END
      FROM new_rows n
      JOIN old_rows o USING (org_id, name)
      JOIN workspace w USING (org_id)
      JOIN sidebar_field_choice c ON c.workspace_id = w.workspace_id AND c.field_name = n.name
     WHERE (n.label, n.type, n.updateable, n.calculated, n.restricted, n.picklist, n.lost_at)
           IS DISTINCT FROM (o.label, o.type, o.updateable, o.calculated, o.restricted, o.picklist, o.lost_at)
     GROUP BY w.org_id, w.workspace_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER salesforce_field_feeds_update AFTER UPDATE ON salesforce_field
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_salesforce_field();
