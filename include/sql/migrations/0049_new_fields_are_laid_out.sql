-- A field that was chosen before Salesforce showed it is laid out when the describe first has it.

CREATE FUNCTION feed_new_salesforce_field() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
    SELECT DISTINCT w.org_id, w.workspace_id, 'sidebar_row', 'layout'
      FROM new_rows n
      JOIN workspace w USING (org_id)
      JOIN sidebar_field_choice c ON c.workspace_id = w.workspace_id AND c.field_name = n.name;
    RETURN NULL;
END
$$;
CREATE TRIGGER salesforce_field_feeds_insert AFTER INSERT ON salesforce_field
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_new_salesforce_field();

-- layouts that were written before say that Salesforce does not show the field
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT org_id, workspace_id, 'sidebar_row', 'layout' FROM workspace WHERE org_id IS NOT NULL;
