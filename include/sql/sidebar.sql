-- What the sidebar service reads and writes beside the edit queue: one statement answers a read.
-- A webhook_event is written once, in the transaction that writes its contact.

-- name: select_sidebar
-- Read all that an agent sees of one contact; what explains a miss is looked at only where there is no match.
-- Params: workspace_id text, respond_id bigint | Rows: 1 (match_status, matched_by, salesforce_id, salesforce_url, fields, stale, as_of, refreshed_at, layout, formulas_as_of, edits, is_known, is_connected, status, reason, candidate_count, hint)
SELECT s.match_status, s.matched_by, s.salesforce_id, s.salesforce_url, s.fields, s.stale, s.as_of, s.refreshed_at,
       l.layout, l.formulas_as_of, e.edits, u.is_known, u.is_connected, u.status, u.reason, u.candidate_count, u.hint
  FROM (SELECT %(workspace_id)s::text AS workspace_id, %(respond_id)s::bigint AS respond_id) AS asked
  LEFT JOIN sidebar_fields s ON s.workspace_id = asked.workspace_id AND s.respond_id = asked.respond_id
  LEFT JOIN sidebar_layout l ON l.workspace_id = asked.workspace_id
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(x.field_name, x.edit) AS edits
         FROM (SELECT DISTINCT ON (f.field_name) f.field_name, f.status,
                      jsonb_build_object('edit_id', f.edit_id, 'status', f.status, 'value', f.new_value,
                                         'reason', f.error_detail) AS edit
                 FROM field_edit f
                WHERE f.workspace_id = s.workspace_id AND f.target_salesforce_id = s.salesforce_id
                ORDER BY f.field_name, f.edit_id DESC) AS x
        WHERE x.status IN ('queued', 'applying', 'parked', 'conflict', 'rejected')) AS e ON true
  LEFT JOIN LATERAL (
       SELECT true AS is_known, w.org_id IS NOT NULL AS is_connected, i.status, i.reason, i.candidate_count,
              (SELECT n.hint FROM near_miss n
                WHERE n.workspace_id = r.workspace_id AND n.respond_id = r.respond_id
                ORDER BY n.kind LIMIT 1) AS hint
         FROM respond_contact r
         JOIN workspace w ON w.workspace_id = r.workspace_id
         LEFT JOIN match_issue i ON i.workspace_id = r.workspace_id AND i.respond_id = r.respond_id
        WHERE r.workspace_id = asked.workspace_id AND r.respond_id = asked.respond_id
          AND r.gone_at IS NULL
          AND s.salesforce_id IS NULL
           -- kept apart, so that a match asks nothing of these tables
       OFFSET 0) AS u ON true;

-- name: ask_for_contact
-- Let a contact that an agent just opened be asked for, unless its row or respond.io's last answer is younger than a minute.
-- Params: workspace_id text, respond_id bigint | Rows: none
INSERT INTO respond_look AS held (workspace_id, respond_id, asked_at)
SELECT w.workspace_id, %(respond_id)s, now()
  FROM workspace w
 WHERE w.workspace_id = %(workspace_id)s
   AND w.org_id IS NOT NULL
   AND NOT EXISTS (
       SELECT FROM respond_contact r
        WHERE r.workspace_id = w.workspace_id AND r.respond_id = %(respond_id)s AND r.seen_at > now() - interval '60 seconds')
   -- who asks for numbers at random must not keep the walk from its work
   AND (SELECT count(*) FROM (SELECT FROM respond_look x WHERE x.workspace_id = w.workspace_id AND x.asked_at IS NOT NULL LIMIT 500) AS waiting) < 500
ON CONFLICT (workspace_id, respond_id) DO UPDATE
   SET asked_at = excluded.asked_at
 WHERE held.asked_at IS NULL
   AND held.answered_at < now() - interval '60 seconds';

-- name: check_database
-- Answer, if the database does.
-- Params: none | Rows: 1 (is_up)
SELECT true AS is_up;

-- name: insert_webhook_event
-- Note a webhook; no row means that it was heard before.
-- Params: workspace_id text, event_id text, event_type text, outcome text | Rows: none
INSERT INTO webhook_event (workspace_id, event_id, event_type, outcome)
VALUES (%(workspace_id)s, %(event_id)s, %(event_type)s, %(outcome)s)
ON CONFLICT DO NOTHING;

-- name: settle_webhook_event
-- Correct what became of a webhook in this transaction.
-- Params: workspace_id text, event_id text, outcome text | Rows: none
UPDATE webhook_event
   SET outcome = %(outcome)s
 WHERE workspace_id = %(workspace_id)s
   AND event_id = %(event_id)s;

-- name: delete_old_webhook_events
-- Forget a few webhooks older than a week; done with each new one, so the table does not grow.
-- Params: none | Rows: none
DELETE FROM webhook_event
 WHERE (workspace_id, event_id) IN (
       SELECT workspace_id, event_id
         FROM webhook_event
        WHERE received_at < now() - interval '7 days'
        ORDER BY received_at
        LIMIT 10
          FOR UPDATE SKIP LOCKED);
