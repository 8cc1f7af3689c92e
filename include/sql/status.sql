-- How things stand, for the operator's commands: orgs, workspaces, windows, backlog, latest runs, migrations.
-- Only reads; every statement answers in one pass over few rows, match counts aside.

-- name: is_schema_there
-- Tell whether the record of migrations exists.
-- Params: none | Rows: 1 (is_there)
SELECT to_regclass('contact_sync.schema_migration') IS NOT NULL AS is_there;

-- name: select_applied_migrations
-- List the migrations that were applied.
-- Params: none | Rows: 0..n (name)
SELECT name
  FROM contact_sync.schema_migration
 ORDER BY name;

-- name: select_org_status
-- Read per org how far it is proven complete, what waits, what is in quarantine and what it cost today.
-- Params: none | Rows: 0..n (org_id, name, conn_id, disconnected_at, watermark_at, watermark_age_seconds, settled_until, settled_age_seconds, is_settled_late, settled_detail, deletes_until, deletes_age_seconds, is_deletes_late, pending_changes, oldest_change_seconds, quarantined_rows, calls_today)
SELECT o.org_id, o.name, o.conn_id, o.disconnected_at, w.watermark_at,
       extract(epoch FROM now() - w.watermark_at)::float8 AS watermark_age_seconds, o.settled_until,
       extract(epoch FROM now() - o.settled_until)::float8 AS settled_age_seconds, o.settled_detail,
       -- asked every five minutes, or at each slower poll; Salesforce ends a transaction after ten
       o.disconnected_at IS NULL AND w.watermark_at IS NOT NULL
           AND coalesce(o.settled_until, o.connected_at) < now() - make_interval(secs => 1200 + 2 * o.poll_seconds) AS is_settled_late,
       o.deletes_until, extract(epoch FROM now() - o.deletes_until)::float8 AS deletes_age_seconds,
       o.disconnected_at IS NULL AND w.watermark_at IS NOT NULL
           AND coalesce(o.deletes_until, o.connected_at) < now() - make_interval(secs => 1200 + 2 * o.poll_seconds) AS is_deletes_late,
       p.pending_changes, p.oldest_change_seconds,
       (SELECT count(*) FROM quarantined_row q WHERE q.org_id = o.org_id AND q.resolved_at IS NULL) AS quarantined_rows,
       (SELECT coalesce(jsonb_object_agg(u.lane, u.calls), '{}') FROM api_usage u
         WHERE u.org_id = o.org_id AND u.day = (now() AT TIME ZONE 'UTC')::date) AS calls_today
  FROM salesforce_org o
 CROSS JOIN LATERAL (
       SELECT max(read_until) AS watermark_at FROM proven_window x
        WHERE x.org_id = o.org_id AND x.kind IN ('initial', 'incremental')) AS w
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(coalesce(cardinality(c.entity_ids), 1)), 0)::bigint AS pending_changes,
              coalesce(extract(epoch FROM now() - min(c.queued_at)), 0)::float8 AS oldest_change_seconds
         FROM pending_change c WHERE c.org_id = o.org_id) AS p
 ORDER BY o.org_id;

-- name: select_match_waits
-- List the connected orgs whose matching waits: for a decision, for the first load, or for the gate, and why that one is due.
-- Params: none | Rows: 0..n (org_id, waits_for, due_for)
SELECT g.org_id, g.waits_for, g.due_for
  FROM org_gate g
  JOIN salesforce_org o ON o.org_id = g.org_id AND o.disconnected_at IS NULL
 WHERE g.waits_for IS NOT NULL;

-- name: select_org_access
-- Read per org whether it refused the last log-in, what is left of its day, and which chosen fields it no longer shows.
-- Params: none | Rows: 0..n (org_id, rejected_at, rejected_age_seconds, reason, used, most, heard_age_seconds, lost_in_use)
SELECT o.org_id, t.rejected_at, extract(epoch FROM now() - t.rejected_at)::float8 AS rejected_age_seconds,
       t.rejected_reason AS reason, a.used, a.most,
       extract(epoch FROM now() - a.heard_at)::float8 AS heard_age_seconds,
       ARRAY(SELECT DISTINCT f.name
               FROM salesforce_field f
               JOIN sidebar_field_choice c ON c.field_name = f.name
               JOIN workspace w ON w.workspace_id = c.workspace_id AND w.org_id = f.org_id
              WHERE f.org_id = o.org_id AND f.lost_at IS NOT NULL
              ORDER BY f.name) AS lost_in_use
  FROM salesforce_org o
  LEFT JOIN salesforce_token t USING (org_id)
  LEFT JOIN api_limit a USING (org_id)
 ORDER BY o.org_id;

-- name: select_field_news
-- List the latest event of each field within some days, newest first.
-- Params: days int | Rows: 0..n (org_id, field_name, event, detail, at, age_seconds)
SELECT org_id, field_name, event, detail, at, extract(epoch FROM now() - at)::float8 AS age_seconds
  FROM (SELECT DISTINCT ON (org_id, field_name) event_id, org_id, field_name, event, detail, at
          FROM salesforce_field_event
         WHERE at > now() - make_interval(days => %(days)s)
         ORDER BY org_id, field_name, event_id DESC) AS latest
 ORDER BY org_id, event_id DESC;

-- name: select_latest_windows
-- List each org's latest windows, newest first.
-- Params: windows int | Rows: 0..n (org_id, window_id, kind, status, read_from, read_until, rows_reported, rows_landed, rows_distinct, rows_merged, rows_quarantined, rows_erased, rows_late, api_calls, started_at, finished_at, detail)
SELECT o.org_id, x.window_id, x.kind, x.status, x.read_from, x.read_until, x.rows_reported, x.rows_landed,
       x.rows_distinct, x.rows_merged, x.rows_quarantined, x.rows_erased, x.rows_late, x.api_calls, x.started_at, x.finished_at, x.detail
  FROM salesforce_org o
 CROSS JOIN LATERAL (
       SELECT window_id, kind, status, read_from, read_until, rows_reported, rows_landed, rows_distinct,
              rows_merged, rows_quarantined, rows_erased, rows_late, api_calls, started_at, finished_at, detail
         FROM extract_window
        WHERE org_id = o.org_id
        ORDER BY window_id DESC
        LIMIT %(windows)s) AS x
 ORDER BY o.org_id, x.window_id DESC;

-- name: select_formula_ages
-- Tell per org which formula and parent fields are shown, and how old the last reading of all contacts is: no value is older.
-- Params: none | Rows: 0..n (org_id, field_names, read_at, age_seconds, is_late)
SELECT u.org_id, u.field_names, a.read_at, extract(epoch FROM now() - a.read_at)::float8 AS age_seconds,
       -- read daily, so one reading has failed or nobody has begun it
       coalesce(a.read_at < now() - interval '36 hours', false) AS is_late
  FROM (SELECT w.org_id, array_agg(DISTINCT c.field_name ORDER BY c.field_name) AS field_names
          FROM workspace w
          JOIN sidebar_field_choice c USING (workspace_id)
          LEFT JOIN salesforce_field f ON f.org_id = w.org_id AND f.name = c.field_name
         WHERE w.org_id IS NOT NULL
           AND (f.calculated OR position('.' IN c.field_name) > 0)
         GROUP BY w.org_id) AS u
 CROSS JOIN LATERAL formulas_read_at(u.org_id) AS a (read_at)
 ORDER BY u.org_id;

-- name: select_idle_windows
-- Count per org the big windows that wait, and tell whether nobody seems to read them.
-- Params: none | Rows: 0..n (org_id, windows, oldest_seconds, is_idle)
SELECT org_id, count(*) FILTER (WHERE status IN ('planned', 'running')) AS windows,
       extract(epoch FROM now() - min(planned_at) FILTER (WHERE status IN ('planned', 'running')))::float8 AS oldest_seconds,
       -- the loading DAG comes every five minutes; one that reads says so at least as often
       min(planned_at) FILTER (WHERE status IN ('planned', 'running')) < now() - interval '15 minutes'
           AND coalesce(max(heartbeat_at), '-infinity') < now() - interval '15 minutes' AS is_idle
  FROM extract_window
 WHERE is_big
   AND (status IN ('planned', 'running') OR heartbeat_at > now() - interval '15 minutes')
 GROUP BY org_id
HAVING count(*) FILTER (WHERE status IN ('planned', 'running')) > 0
 ORDER BY org_id;

-- name: select_workspace_status
-- Read per workspace whom it serves, its switches and how old its last whole walk is.
-- Params: none | Rows: 0..n (workspace_id, name, org_id, respond_conn_id, match_mode, editing_enabled, auto_create_since, chosen_fields, walk_age_seconds, quarantined_rows, held_changes)
SELECT w.workspace_id, w.name, w.org_id, w.respond_conn_id, w.match_mode, w.editing_enabled, w.auto_create_since,
       (SELECT count(*) FROM sidebar_field_choice c WHERE c.workspace_id = w.workspace_id) AS chosen_fields,
       (SELECT extract(epoch FROM now() - max(r.finished_at))::float8 FROM respond_walk r
         WHERE r.workspace_id = w.workspace_id) AS walk_age_seconds,
       (SELECT count(*) FROM quarantined_row q
         WHERE q.workspace_id = w.workspace_id AND q.resolved_at IS NULL) AS quarantined_rows,
       (SELECT count(*) FROM held_change h
         WHERE h.workspace_id = w.workspace_id AND h.decision IS NULL) AS held_changes
  FROM workspace w
 ORDER BY w.workspace_id;

-- name: select_edit_queues
-- Count per workspace the edits that are on their way, and tell whether one waits for long: an edit takes seconds.
-- Params: none | Rows: 0..n (workspace_id, queued, applying, parked, oldest_seconds, is_late, waits_for)
SELECT w.workspace_id, count(*) FILTER (WHERE e.status = 'queued') AS queued,
       count(*) FILTER (WHERE e.status = 'applying') AS applying, count(*) FILTER (WHERE e.status = 'parked') AS parked,
       extract(epoch FROM now() - min(e.requested_at) FILTER (WHERE e.status <> 'parked'))::float8 AS oldest_seconds,
       -- longer than any number of tries of a locked row
       coalesce(min(e.requested_at) FILTER (WHERE e.status <> 'parked') < now() - interval '5 minutes', false) AS is_late,
       array_agg(DISTINCT e.error_code ORDER BY e.error_code)
           FILTER (WHERE e.status <> 'parked' AND e.error_code IS NOT NULL) AS waits_for
  FROM workspace w
  LEFT JOIN field_edit e ON e.workspace_id = w.workspace_id AND e.status IN ('queued', 'applying', 'parked')
 GROUP BY w.workspace_id
 ORDER BY w.workspace_id;

-- name: select_walk_progress
-- Tell per workspace how far the open walk is, and since when every contact was looked at.
-- Params: none | Rows: 0..n (workspace_id, began_at, pages, contacts, contacts_expected, expected_end_at, looked_at_since, oldest_look_seconds, opened_waiting)
SELECT w.workspace_id, o.began_at, o.pages, o.contacts, d.contacts AS contacts_expected,
       CASE WHEN o.contacts > 0 AND d.contacts > o.contacts
            THEN now() + (now() - o.began_at) * ((d.contacts - o.contacts)::float8 / o.contacts) END AS expected_end_at,
       -- a finished walk looked at each contact after it began; seen_at moves only with content
       d.began_at AS looked_at_since, extract(epoch FROM now() - d.began_at)::float8 AS oldest_look_seconds,
       (SELECT count(*) FROM respond_look l WHERE l.workspace_id = w.workspace_id AND l.asked_at IS NOT NULL) AS opened_waiting
  FROM workspace w
  LEFT JOIN respond_walk o ON o.workspace_id = w.workspace_id AND o.finished_at IS NULL
  LEFT JOIN LATERAL (
       SELECT began_at, contacts
         FROM respond_walk f
        WHERE f.workspace_id = w.workspace_id AND f.finished_at IS NOT NULL
        ORDER BY f.walk_id DESC
        LIMIT 1) AS d ON true
 ORDER BY w.workspace_id;

-- name: select_match_counts
-- Count matched, ambiguous and unmatched contacts per workspace, by rule or reason.
-- Params: none | Rows: 0..n (workspace_id, status, reason, contacts)
SELECT workspace_id, status, reason, contacts
  FROM match_overview
 ORDER BY workspace_id, status, contacts DESC, reason;

-- name: select_latest_stage_runs
-- Read the latest run of each stage and scope of the last day.
-- Params: none | Rows: 0..n (stage, scope, status, counts, started_at, age_seconds, seconds, error)
SELECT DISTINCT ON (stage, scope) stage, scope, status, counts, started_at,
       extract(epoch FROM now() - started_at)::float8 AS age_seconds,
       extract(epoch FROM finished_at - started_at)::float8 AS seconds, error
  FROM stage_run
 WHERE started_at > now() - interval '1 day'
 ORDER BY stage, scope, started_at DESC;

-- name: count_pending_by_entity
-- Count what an org's stages still have to look at.
-- Params: org_id text | Rows: 1 (normalize_contacts, match_contacts, materialize_sidebar)
SELECT count(*) FILTER (WHERE entity IN ('salesforce_contact', 'respond_contact')) AS normalize_contacts,
       count(*) FILTER (WHERE entity IN ('salesforce_key', 'respond_key')) AS match_contacts,
       count(*) FILTER (WHERE entity = 'sidebar_row') AS materialize_sidebar
  FROM pending_entity
 WHERE org_id = %(org_id)s;

-- name: count_workspace_rows
-- Count what a disconnect removes or parks.
-- Params: workspace_id text | Rows: 1 (sidebar_rows, matches, issues, queued_edits)
SELECT (SELECT count(*) FROM sidebar_fields WHERE workspace_id = %(workspace_id)s) AS sidebar_rows,
       (SELECT count(*) FROM contact_match WHERE workspace_id = %(workspace_id)s) AS matches,
       (SELECT count(*) FROM match_issue WHERE workspace_id = %(workspace_id)s) AS issues,
       (SELECT count(*) FROM field_edit
         WHERE workspace_id = %(workspace_id)s AND status = 'queued') AS queued_edits;
