-- The questions the demo's supervisor asks the database. Statements are named; parameters are %(name)s.

-- name: pause_all_dags
-- Nothing may start before both systems are connected; the demo lets the DAGs go by itself.
UPDATE dag SET is_paused = true WHERE NOT is_paused;

-- name: now
SELECT clock_timestamp() AS now;

-- name: write_counts
-- Rows written so far, per table whose content must not change when nothing changed.
SELECT relname AS table_name, n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_del AS deleted
  FROM pg_stat_user_tables
 WHERE schemaname = 'contact_sync'
   AND relname IN ('salesforce_contact', 'respond_contact', 'salesforce_key', 'respond_key',
                   'contact_match', 'match_issue', 'sidebar_fields')
 ORDER BY relname;

-- name: unfinished_work
-- What still has to be done before the pipeline is at rest, one row, in the units of each stage.
SELECT (SELECT count(*) FROM pending_change) AS pending_changes,
       (SELECT count(*) FROM extract_window WHERE status IN ('planned', 'running', 'short')) AS open_windows,
       (SELECT count(*) FROM extract_window WHERE status = 'proven' AND finished_at >= %(since)s) AS proven_windows,
       (SELECT count(*) FROM respond_walk WHERE workspace_id = %(workspace_id)s AND finished_at >= %(since)s) AS walks,
       (SELECT count(*) FROM salesforce_contact) AS salesforce_contacts,
       (SELECT count(*) FROM respond_contact) AS respond_contacts,
       (SELECT count(*) FROM contact_match) AS matches;

-- name: stage_runs
-- Per stage since the start of this demo: runs, seconds of work and the sums of its counts.
SELECT stage, count(DISTINCT run_id) AS runs, count(*) FILTER (WHERE status = 'failed') AS failed,
       coalesce(sum(extract(epoch FROM finished_at - started_at)), 0)::float AS seconds,
       (SELECT coalesce(jsonb_object_agg(name, total), '{}')
          FROM (SELECT c.key AS name, sum(c.value::text::numeric) AS total
                  FROM stage_run i, jsonb_each(i.counts) c
                 WHERE i.stage = s.stage AND i.started_at >= %(since)s AND jsonb_typeof(c.value) = 'number'
                 GROUP BY c.key) sums) AS counts
  FROM stage_run s
 WHERE started_at >= %(since)s
 GROUP BY stage
 ORDER BY min(started_at);

-- name: stages_that_ever_succeeded
SELECT DISTINCT stage FROM stage_run WHERE status = 'succeeded';

-- name: matches
SELECT respond_id, salesforce_id, matched_by FROM contact_match WHERE workspace_id = %(workspace_id)s;

-- name: issues
SELECT respond_id, status, reason FROM match_issue WHERE workspace_id = %(workspace_id)s;

-- name: sample_contact
-- One matched contact with most of its chosen fields filled.
SELECT r.respond_id, r.first_name, r.last_name, s.salesforce_url, s.matched_by
  FROM sidebar_fields s
  JOIN respond_contact r USING (workspace_id, respond_id)
 WHERE s.workspace_id = %(workspace_id)s
   AND s.match_status = 'matched'
 ORDER BY (SELECT count(*) FROM jsonb_each(s.fields) f WHERE f.value <> 'null') DESC, s.respond_id
 LIMIT 1;

-- name: sample_fields
-- What the agent sees of that contact, in order.
SELECT label, value, editable
  FROM sidebar_field_values
 WHERE workspace_id = %(workspace_id)s
   AND respond_id = %(respond_id)s
 ORDER BY position;

-- name: chosen_fields
-- Empty until the workspace serves this org, is switched on both ways, and its fields are chosen.
SELECT c.position
  FROM workspace w
  JOIN sidebar_field_choice c USING (workspace_id)
 WHERE w.workspace_id = %(workspace_id)s
   AND w.org_id = %(org_id)s
   AND w.editing_enabled
   AND w.auto_create_since IS NOT NULL;

-- name: creations
-- Per record, in the order asked for: how old it is, and what became of its creation.
SELECT asked.salesforce_id, extract(epoch FROM clock_timestamp() - c.created_at)::float AS age_seconds,
       n.status, n.rule, n.respond_id,
       coalesce(n.status IN ('tagged', 'adopted', 'skipped', 'rejected'), false) AS is_settled
  FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS asked (salesforce_id, position)
  LEFT JOIN salesforce_contact c ON c.org_id = %(org_id)s AND c.salesforce_id = asked.salesforce_id
  LEFT JOIN contact_creation n ON n.workspace_id = %(workspace_id)s AND n.salesforce_id = asked.salesforce_id
 ORDER BY asked.position;

-- name: is_at_rest
-- Whether a window that began since then is proven, and no change waits.
SELECT EXISTS (SELECT FROM extract_window WHERE status = 'proven' AND started_at >= %(since)s)
       AND NOT EXISTS (SELECT FROM pending_change) AS is_at_rest;

-- name: count_created
SELECT count(*) AS created FROM contact_creation WHERE workspace_id = %(workspace_id)s AND status = 'tagged';

-- name: editable_contact
-- The matched contact with most of its chosen fields filled, title and department among them.
SELECT s.respond_id, s.salesforce_id
  FROM sidebar_fields s
 WHERE s.workspace_id = %(workspace_id)s
   AND s.match_status = 'matched'
   AND s.fields ->> 'Title' IS NOT NULL
   AND s.fields ->> 'Department' IS NOT NULL
 ORDER BY (SELECT count(*) FROM jsonb_each(s.fields) f WHERE f.value <> 'null') DESC, s.respond_id
 LIMIT 1;
