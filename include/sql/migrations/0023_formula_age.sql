-- How old formula and parent fields are: they change without the contact's stamp, so everybody is read again daily,
-- and it is that reading that tells their age where the contact itself has not changed since.

ALTER TABLE sidebar_layout ADD COLUMN formulas_as_of timestamptz;
COMMENT ON COLUMN sidebar_layout.formulas_as_of IS 'Salesforce''s clock at the last proven reading of all contacts: no formula or parent field is older.';

CREATE FUNCTION formulas_read_at(wanted_org text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT max(queried_at)
      FROM proven_window
     WHERE org_id = wanted_org
       AND kind IN ('initial', 'refill', 'formula')
       AND read_from IS NULL
$$;
COMMENT ON FUNCTION formulas_read_at(text) IS 'When all contacts of an org were last read by a proven window; null before the first.';

-- A read of the sidebar finds the age in the layout that it reads anyway.
CREATE FUNCTION tell_formula_age() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sidebar_layout l
       SET formulas_as_of = formulas_read_at(NEW.org_id)
      FROM workspace w
     WHERE w.org_id = NEW.org_id
       AND l.workspace_id = w.workspace_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tell_formula_age() IS 'Write a finished reading of all contacts down where the sidebar reads it.';
CREATE TRIGGER extract_window_reads_formulas AFTER UPDATE OF status, finished_at ON extract_window FOR EACH ROW
    WHEN (NEW.status IN ('proven', 'split') AND NEW.finished_at IS NOT NULL AND NEW.read_from IS NULL
          AND NEW.split_from IS NULL AND NEW.kind IN ('initial', 'refill', 'formula'))
    EXECUTE FUNCTION tell_formula_age();

CREATE FUNCTION begin_formula_age() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.formulas_as_of := (SELECT formulas_read_at(w.org_id) FROM workspace w WHERE w.workspace_id = NEW.workspace_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION begin_formula_age() IS 'Give a new layout the age of its org''s formulas.';
CREATE TRIGGER sidebar_layout_begins_with_age BEFORE INSERT ON sidebar_layout FOR EACH ROW EXECUTE FUNCTION begin_formula_age();

CREATE FUNCTION change_formula_age() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sidebar_layout
       SET formulas_as_of = formulas_read_at(NEW.org_id)
     WHERE workspace_id = NEW.workspace_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION change_formula_age() IS 'Give the layout of a workspace that serves another org that org''s age.';
CREATE TRIGGER workspace_changes_formula_age AFTER UPDATE OF org_id ON workspace FOR EACH ROW
    WHEN (OLD.org_id IS DISTINCT FROM NEW.org_id) EXECUTE FUNCTION change_formula_age();

CREATE OR REPLACE VIEW sidebar_field_values AS
SELECT s.org_id, s.workspace_id, s.respond_id, s.salesforce_id, l.position, l.item ->> 'name' AS field_name,
       l.item ->> 'label' AS label, l.item ->> 'type' AS type, s.fields -> (l.item ->> 'name') AS value,
       (l.item ->> 'editable')::boolean AS editable, s.stale ? (l.item ->> 'name') AS is_stale,
       CASE WHEN (l.item ->> 'calculated')::boolean AND NOT s.stale ? (l.item ->> 'name') THEN greatest(s.as_of, y.formulas_as_of) ELSE s.as_of END AS as_of
  FROM sidebar_fields s
  JOIN sidebar_layout y USING (workspace_id)
 CROSS JOIN LATERAL jsonb_array_elements(y.layout) WITH ORDINALITY AS l (item, position)
 WHERE s.match_status = 'matched';
COMMENT ON COLUMN sidebar_field_values.as_of IS 'Salesforce''s clock at the read that gave this value.';

ALTER TABLE extract_window ADD COLUMN planned_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN extract_window.planned_at IS 'When the window was planned, or begun without a plan.';

-- Layouts that exist learn which of their fields are calculated, and how old those are.
UPDATE sidebar_layout l
   SET formulas_as_of = formulas_read_at(w.org_id)
  FROM workspace w
 WHERE w.workspace_id = l.workspace_id;
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT org_id, workspace_id, 'sidebar_row', 'layout'
  FROM workspace
 WHERE org_id IS NOT NULL;
