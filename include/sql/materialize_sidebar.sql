-- The sidebar's rows follow the matches and the mirror; only rows that differ are written, so readers never wait.
-- sidebar_fields has one row per matched or ambiguous contact; sidebar_layout one per workspace.

-- name: create_sidebar_tables
-- Make the working tables of one transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS changed_row (workspace_id text, respond_id bigint, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS wanted_row (workspace_id text, respond_id bigint, salesforce_id text, salesforce_url text, match_status text, matched_by text, fields jsonb, stale jsonb, as_of timestamptz, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DROP;

-- name: select_workspaces_to_lay_out
-- List the workspaces whose layout may have changed.
-- Params: org_id text | Rows: 0..n (workspace_id, editing_enabled)
SELECT w.workspace_id, w.editing_enabled
  FROM workspace w
 WHERE w.org_id = %(org_id)s
   AND (EXISTS (
            SELECT FROM pending_change p
             WHERE p.org_id = w.org_id AND p.entity = 'sidebar_row' AND p.workspace_id = w.workspace_id
               AND (p.entity_id IS NULL OR p.entity_id = 'layout'))
        OR NOT EXISTS (SELECT FROM sidebar_layout l WHERE l.workspace_id = w.workspace_id))
 ORDER BY w.workspace_id;

-- name: select_chosen_fields
-- List a workspace's chosen fields in order, with the describe as remembered.
-- Params: workspace_id text | Rows: 0..n (field_name, chosen_label, editable, label, type, length, updateable, calculated, nillable, restricted, picklist, lost_at)
SELECT c.field_name, c.label AS chosen_label, c.editable, f.label, f.type, f.length, f.updateable, f.calculated,
       f.nillable, f.restricted, f.picklist, f.lost_at
  FROM sidebar_field_choice c
  JOIN workspace w USING (workspace_id)
  LEFT JOIN salesforce_field f ON f.org_id = w.org_id AND f.name = c.field_name
 WHERE c.workspace_id = %(workspace_id)s
 ORDER BY c.position;

-- name: upsert_layout
-- Write a workspace's layout if it differs.
-- Params: workspace_id text, layout json | Rows: none
INSERT INTO sidebar_layout AS held (workspace_id, layout)
VALUES (%(workspace_id)s, %(layout)s::jsonb)
ON CONFLICT (workspace_id) DO UPDATE
   SET layout = excluded.layout, updated_at = now()
 WHERE held.layout <> excluded.layout;

-- name: claim_sidebar_changes
-- Take the org's sidebar changes off the feed and list the rows they concern.
-- Params: org_id text | Rows: none
WITH claimed AS (
    DELETE FROM pending_change
     WHERE org_id = %(org_id)s
       AND entity = 'sidebar_row'
    RETURNING workspace_id, entity_id
), whole AS (
    SELECT DISTINCT workspace_id FROM claimed WHERE entity_id IS NULL
)
INSERT INTO changed_row (workspace_id, respond_id)
SELECT workspace_id, entity_id::bigint
  FROM claimed
 WHERE workspace_id IS NOT NULL AND entity_id IS NOT NULL AND entity_id <> 'layout'
 UNION
SELECT m.workspace_id, m.respond_id
  FROM claimed c
  JOIN contact_match m ON m.org_id = %(org_id)s AND m.salesforce_id = c.entity_id
 WHERE c.workspace_id IS NULL
 UNION
SELECT m.workspace_id, m.respond_id
  FROM whole JOIN contact_match m ON m.org_id = %(org_id)s AND m.workspace_id = whole.workspace_id
 UNION
SELECT s.workspace_id, s.respond_id
  FROM whole JOIN sidebar_fields s ON s.workspace_id = whole.workspace_id
 UNION
SELECT i.workspace_id, i.respond_id
  FROM whole JOIN match_issue i ON i.workspace_id = whole.workspace_id AND i.status = 'ambiguous';

-- name: analyze_changed_rows
-- Let the planner know how many rows changed.
-- Params: none | Rows: none
ANALYZE changed_row;

-- name: insert_wanted_rows
-- Work out what the sidebar should show for the changed contacts.
-- Params: org_id text | Rows: none
INSERT INTO wanted_row (workspace_id, respond_id, salesforce_id, salesforce_url, match_status, matched_by, fields, stale, as_of)
SELECT m.workspace_id, m.respond_id, m.salesforce_id,
       o.instance_url || '/lightning/r/Contact/' || m.salesforce_id || '/view', 'matched', m.matched_by,
       coalesce(f.fields, '{}'), coalesce(f.stale, '{}'), s.read_at
  FROM changed_row x
  JOIN contact_match m ON m.org_id = %(org_id)s AND m.workspace_id = x.workspace_id AND m.respond_id = x.respond_id
  JOIN salesforce_org o ON o.org_id = m.org_id
  JOIN salesforce_contact s ON s.org_id = m.org_id AND s.salesforce_id = m.salesforce_id
 CROSS JOIN LATERAL (
       SELECT jsonb_object_agg(c.field_name, v.all_values -> c.field_name) FILTER (WHERE v.all_values ? c.field_name) AS fields,
              jsonb_object_agg(c.field_name, d.lost_at) FILTER (WHERE d.lost_at IS NOT NULL) AS stale
         FROM (SELECT salesforce_values(s) AS all_values OFFSET 0) AS v
         JOIN sidebar_field_choice c ON c.workspace_id = m.workspace_id
         LEFT JOIN salesforce_field d ON d.org_id = m.org_id AND d.name = c.field_name) AS f
 UNION ALL
SELECT i.workspace_id, i.respond_id, NULL, NULL, 'ambiguous', NULL, '{}', '{}', NULL
  FROM changed_row x
  JOIN match_issue i ON i.workspace_id = x.workspace_id AND i.respond_id = x.respond_id AND i.status = 'ambiguous'
 WHERE i.org_id = %(org_id)s;

-- name: delete_unwanted_rows
-- Remove rows of contacts that are neither matched nor ambiguous any more; those of another org are its own run's.
-- Params: org_id text | Rows: none
DELETE FROM sidebar_fields s
 USING changed_row x
 WHERE s.org_id = %(org_id)s
   AND s.workspace_id = x.workspace_id
   AND s.respond_id = x.respond_id
   AND NOT EXISTS (
       SELECT FROM wanted_row w WHERE w.workspace_id = s.workspace_id AND w.respond_id = s.respond_id);

-- name: upsert_wanted_rows
-- Write the rows that are new or different.
-- Params: org_id text | Rows: none
INSERT INTO sidebar_fields AS held (
       org_id, workspace_id, respond_id, salesforce_id, salesforce_url, match_status, matched_by, fields, stale, as_of)
SELECT %(org_id)s, v.workspace_id, v.respond_id, v.salesforce_id, v.salesforce_url, v.match_status, v.matched_by,
       v.fields, v.stale, v.as_of
  FROM wanted_row v
  JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = %(org_id)s
ON CONFLICT (workspace_id, respond_id) DO UPDATE
   SET org_id = excluded.org_id, salesforce_id = excluded.salesforce_id, salesforce_url = excluded.salesforce_url,
       match_status = excluded.match_status, matched_by = excluded.matched_by, fields = excluded.fields,
       stale = excluded.stale, as_of = excluded.as_of, refreshed_at = now()
 WHERE (held.org_id, held.salesforce_id, held.salesforce_url, held.match_status, held.matched_by, held.fields, held.stale, held.as_of)
    IS DISTINCT FROM
       (excluded.org_id, excluded.salesforce_id, excluded.salesforce_url, excluded.match_status, excluded.matched_by,
        excluded.fields, excluded.stale, excluded.as_of);
