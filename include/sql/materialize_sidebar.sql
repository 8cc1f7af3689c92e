-- The sidebar's rows follow the matches and the mirror; only rows that differ are written, so readers never wait.
-- sidebar_fields has one row per matched or ambiguous contact; sidebar_layout one per workspace.

-- name: create_sidebar_tables
-- Make the working tables, once a session; they are empty again after each transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS changed_row (workspace_id text, respond_id bigint, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS changed_layout (workspace_id text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS shown_row (
    workspace_id text, respond_id bigint, held_row tid, salesforce_id salesforce_id, salesforce_url text, matched_by text, stale jsonb,
    as_of timestamptz, fields jsonb, is_blanked boolean) ON COMMIT DELETE ROWS;

-- name: select_workspaces_to_lay_out
-- List the workspaces whose layout may have changed by what was claimed.
-- Params: org_id text | Rows: 0..n (workspace_id, editing_enabled)
SELECT w.workspace_id, w.editing_enabled
  FROM workspace w
 WHERE w.org_id = %(org_id)s
   AND (w.workspace_id IN (SELECT workspace_id FROM changed_layout)
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

-- name: select_sidebar_change_extent
-- Tell whether so much of the org is on the sidebar's feed that all its matches, which are counted then, are compared at once.
-- Params: org_id text, broad_from bigint | Rows: 1 (matches, is_broad)
WITH waiting AS (
    SELECT coalesce(sum(coalesce(cardinality(p.entity_ids), 1)), 0) AS entities,
           array_agg(p.workspace_id) FILTER (WHERE p.entity_id IS NULL AND p.entity_ids IS NULL) AS whole_workspaces
      FROM pending_change p
     WHERE p.org_id = %(org_id)s
       AND p.entity = 'sidebar_row'
), counts AS MATERIALIZED (
    -- in parallel, and only where whole workspaces changed: then all matches are counted anyway
    SELECT CASE WHEN whole_workspaces IS NOT NULL
                THEN (SELECT ARRAY[count(*), count(*) FILTER (WHERE m.workspace_id = ANY ((SELECT whole_workspaces FROM waiting)::text[]))]
                        FROM contact_match m
                       WHERE m.org_id = %(org_id)s) END AS of_matches
      FROM waiting
), concerned AS (
    SELECT w.entities + coalesce(c.of_matches[2], 0) AS rows, c.of_matches[1] AS matches
      FROM waiting w
     CROSS JOIN counts c
), everybody AS (
    SELECT reltuples AS matches FROM pg_class WHERE oid = 'contact_match'::regclass
), counted AS MATERIALIZED (
    SELECT c.rows,
           CASE WHEN c.matches IS NOT NULL THEN c.matches
                -- few beside all orgs' matches: nothing is counted
                WHEN c.rows <= greatest(%(broad_from)s, least(5 * %(broad_from)s, e.matches / 20)) THEN 0
                -- in parallel
                WHEN c.rows * 4 >= e.matches THEN (SELECT count(*) FROM contact_match m WHERE m.org_id = %(org_id)s)
                -- it need not count further than to where the changes are less than a quarter
                ELSE (SELECT count(*)
                        FROM (SELECT FROM contact_match m WHERE m.org_id = %(org_id)s LIMIT (SELECT rows * 4 + 1 FROM concerned)) AS m)
                END AS matches
      FROM concerned c
     CROSS JOIN everybody e
)
SELECT matches, rows > %(broad_from)s AND matches BETWEEN %(broad_from)s + 1 AND rows * 4 AS is_broad
  FROM counted;

-- name: claim_all_sidebar_changes
-- Take the org's sidebar changes off the feed, whomever they concern, and list the layouts among them.
-- Params: org_id text | Rows: none
WITH claimed AS (
    DELETE FROM pending_change
     WHERE org_id = %(org_id)s
       AND entity = 'sidebar_row'
    RETURNING workspace_id, entity_id, entity_ids
)
INSERT INTO changed_layout (workspace_id)
SELECT DISTINCT workspace_id
  FROM claimed
 WHERE workspace_id IS NOT NULL
   AND entity_ids IS NULL
   AND (entity_id IS NULL OR entity_id = 'layout');

-- name: insert_changed_layouts
-- List the layouts that sidebar changes on the feed concern.
-- Params: change_ids bigint[] | Rows: none
INSERT INTO changed_layout (workspace_id)
SELECT DISTINCT workspace_id
  FROM pending_change
 WHERE change_id = ANY (%(change_ids)s::bigint[])
   AND workspace_id IS NOT NULL
   AND entity_ids IS NULL
   AND (entity_id IS NULL OR entity_id = 'layout');

-- name: insert_changed_rows
-- List the rows that sidebar changes on the feed concern.
-- Params: org_id text, change_ids bigint[] | Rows: none
WITH changed AS (
    SELECT p.workspace_id, e.entity_id
      FROM pending_change p
     CROSS JOIN LATERAL unnest(coalesce(p.entity_ids, ARRAY[p.entity_id])) AS e (entity_id)
     WHERE p.change_id = ANY (%(change_ids)s::bigint[])
), whole AS (
    SELECT DISTINCT workspace_id FROM changed WHERE entity_id IS NULL
)
INSERT INTO changed_row (workspace_id, respond_id)
SELECT workspace_id, entity_id::bigint
  FROM changed
 WHERE workspace_id IS NOT NULL AND entity_id IS NOT NULL AND entity_id <> 'layout'
 UNION
SELECT m.workspace_id, m.respond_id
  FROM changed c
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

-- name: lock_changed_rows
-- Wait for others who write changed rows, and keep the rows until this transaction ends.
-- Params: none | Rows: 0..n (respond_id)
SELECT h.respond_id
  FROM changed_row x
  JOIN sidebar_fields h ON h.workspace_id = x.workspace_id AND h.respond_id = x.respond_id
 ORDER BY h.respond_id, h.workspace_id
   FOR UPDATE OF h;

-- name: insert_shown_rows
-- Look up, once, what changed rows should show and whether that is new or different, one workspace after the other.
-- Params: org_id text | Rows: 0..n
SELECT insert_shown_rows(w.workspace_id)
  FROM workspace w
 WHERE w.org_id = %(org_id)s
   AND w.workspace_id IN (SELECT workspace_id FROM changed_row);

-- name: analyze_shown_rows
-- Let the planner know how many rows there are to write.
-- Params: none | Rows: none
ANALYZE shown_row (workspace_id, respond_id, held_row, salesforce_id);

-- name: delete_unwanted_rows
-- Remove changed rows of contacts that are neither matched nor ambiguous any more; those of another org are its own run's.
-- Params: org_id text | Rows: none
DELETE FROM sidebar_fields h
 USING shown_row x
 -- where the row was when it was compared: one that somebody wrote since is newer than what we know (PostgreSQL 18.1 sees it while it waits)
 WHERE h.ctid = x.held_row
   AND h.workspace_id = x.workspace_id
   AND h.respond_id = x.respond_id
   AND h.org_id = %(org_id)s
   AND x.salesforce_id IS NULL
   AND NOT EXISTS (
       SELECT FROM match_issue i
        WHERE i.org_id = %(org_id)s AND i.workspace_id = x.workspace_id AND i.respond_id = x.respond_id AND i.status = 'ambiguous');

-- name: delete_all_unwanted_rows
-- Remove all of the org's rows of contacts that are neither matched nor ambiguous any more.
-- Params: org_id text | Rows: none
DELETE FROM sidebar_fields s
 WHERE s.org_id = %(org_id)s
   AND NOT EXISTS (
       SELECT FROM contact_match m
         JOIN salesforce_contact c ON c.org_id = m.org_id AND c.salesforce_id = m.salesforce_id
        WHERE m.org_id = s.org_id AND m.workspace_id = s.workspace_id AND m.respond_id = s.respond_id)
   AND NOT EXISTS (
       SELECT FROM match_issue i
        WHERE i.org_id = s.org_id AND i.workspace_id = s.workspace_id AND i.respond_id = s.respond_id
          AND i.status = 'ambiguous');

-- name: write_all_matched_rows
-- Write what all matched contacts show where it is new or different, one workspace after the other.
-- Params: org_id text | Rows: 1 (written)
SELECT coalesce(sum(write_all_matched_rows(w.workspace_id)), 0)::bigint AS written
  FROM workspace w
 WHERE w.org_id = %(org_id)s;

-- name: update_shown_rows
-- Write what changed rows show where it is different.
-- Params: org_id text | Rows: none
UPDATE sidebar_fields h
   SET org_id = %(org_id)s, salesforce_id = x.salesforce_id, salesforce_url = x.salesforce_url, match_status = 'matched',
       matched_by = x.matched_by, fields = x.fields, stale = x.stale, as_of = x.as_of, refreshed_at = now()
  FROM shown_row x
 -- where the row was when it was compared: one that somebody wrote since is newer than what we know
 WHERE h.ctid = x.held_row
   AND h.workspace_id = x.workspace_id
   AND h.respond_id = x.respond_id
   AND x.fields IS NOT NULL;

-- name: insert_new_rows
-- Write what changed rows show where it is new.
-- Params: org_id text | Rows: 1 (written)
SELECT insert_new_rows(%(org_id)s) AS written;

-- name: upsert_ambiguous_rows
-- Write that a contact is ambiguous where that is new or different.
-- Params: org_id text, is_broad boolean | Rows: none
INSERT INTO sidebar_fields AS held (org_id, workspace_id, respond_id, match_status)
SELECT i.org_id, i.workspace_id, i.respond_id, 'ambiguous'
  FROM (SELECT a.org_id, a.workspace_id, a.respond_id
          FROM changed_row x
          JOIN match_issue a ON a.workspace_id = x.workspace_id AND a.respond_id = x.respond_id
         WHERE NOT %(is_broad)s AND a.org_id = %(org_id)s AND a.status = 'ambiguous'
         UNION ALL
        SELECT a.org_id, a.workspace_id, a.respond_id
          FROM match_issue a
         WHERE %(is_broad)s AND a.org_id = %(org_id)s AND a.status = 'ambiguous') AS i
  JOIN workspace w ON w.workspace_id = i.workspace_id AND w.org_id = i.org_id
ON CONFLICT (workspace_id, respond_id) DO UPDATE
   SET org_id = excluded.org_id, salesforce_id = NULL, salesforce_url = NULL, match_status = excluded.match_status,
       matched_by = NULL, fields = '{}', stale = '{}', as_of = NULL, refreshed_at = now()
 WHERE (held.org_id, held.match_status) IS DISTINCT FROM (excluded.org_id, excluded.match_status);

-- name: analyze_sidebar
-- Let the planner know what was written: after a first materialization it would take the table for empty.
-- Params: none | Rows: 1
SELECT analyze_sidebar();
