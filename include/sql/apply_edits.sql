-- The edit queue from claim to settlement. One edit in flight per org, contact and field; nothing is sent unread.
-- queued > applying > applied | conflict | rejected; applying > queued (retry) | superseded; queued > parked > queued | rejected.

-- name: list_orgs_with_edits
-- List the orgs with edits to apply, to take up again or to unpark.
-- Params: none | Rows: 0..n (org_id)
SELECT DISTINCT e.org_id
  FROM field_edit e
  JOIN salesforce_org o USING (org_id)
 WHERE o.disconnected_at IS NULL
   AND (e.status = 'applying' OR (e.status = 'queued' AND (e.not_before IS NULL OR e.not_before <= now()))
        OR (e.status = 'parked' AND e.requested_at > now() - interval '30 days'))
 ORDER BY e.org_id;

-- name: select_unsent_edits
-- List the edits that were claimed and of which nothing was sent: their worker died, or Salesforce was away.
-- Params: org_id text | Rows: 0..n (edit_id)
SELECT edit_id
  FROM field_edit
 WHERE org_id = %(org_id)s
   AND status = 'applying'
   AND sent_at IS NULL
 ORDER BY edit_id;

-- name: requeue_unsent_edits
-- Put edits back of which nothing was sent, as if they had not been claimed.
-- Params: edit_ids bigint[] | Rows: none
UPDATE field_edit
   SET status = 'queued', claimed_at = NULL, claimed_by = NULL, attempts = greatest(attempts - 1, 0)
 WHERE edit_id = ANY (%(edit_ids)s::bigint[])
   AND status = 'applying';

-- name: supersede_returning_edits
-- Where a later edit of the field is queued already, let it stand in place of one that would come back, on its base.
-- Params: edit_ids bigint[] | Rows: none
WITH outdated AS (
    SELECT a.edit_id, a.base_value, q.edit_id AS later_id
      FROM field_edit a
      JOIN field_edit q USING (workspace_id, target_salesforce_id, field_name)
     WHERE a.edit_id = ANY (%(edit_ids)s::bigint[])
       AND a.status = 'applying'
       AND q.status = 'queued'
), inherited AS (
    UPDATE field_edit q SET base_value = o.base_value, after_edit_id = NULL
      FROM outdated o
     WHERE q.edit_id = o.later_id
)
UPDATE field_edit e
   SET status = 'superseded', settled_at = now(), sent_at = NULL, sent_modstamp = NULL
  FROM outdated o
 WHERE e.edit_id = o.edit_id;

-- name: create_edit_obstacles
-- Work out, for each open edit, why it may not be sent now; null where it may.
-- Params: org_id text | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS edit_obstacle ON COMMIT DROP AS
SELECT e.edit_id, e.status,
       CASE WHEN w.org_id IS DISTINCT FROM e.org_id THEN 'disconnected'
            WHEN NOT w.editing_enabled THEN 'editing_off'
            WHEN c.field_name IS NULL OR NOT c.editable THEN 'field_not_editable'
            WHEN f.name IS NULL OR f.lost_at IS NOT NULL OR NOT f.updateable THEN 'permission_lost' END AS obstacle
  FROM field_edit e
  JOIN workspace w USING (workspace_id)
  LEFT JOIN sidebar_field_choice c ON c.workspace_id = e.workspace_id AND c.field_name = e.field_name
  LEFT JOIN salesforce_field f ON f.org_id = e.org_id AND f.name = e.field_name
 WHERE e.org_id = %(org_id)s
   AND e.status IN ('queued', 'parked');

-- name: park_edits
-- Park queued edits that may not be sent now, with the reason and its sentence for agents.
-- Params: sentences json | Rows: none
UPDATE field_edit e
   SET status = 'parked', error_code = o.obstacle, error_detail = %(sentences)s::jsonb ->> o.obstacle
  FROM edit_obstacle o
 WHERE o.edit_id = e.edit_id
   AND e.status = 'queued'
   AND o.obstacle IS NOT NULL;

-- name: supersede_outdated_parked_edits
-- End parked edits of a field for which a later one was made: an older wish never comes back over a newer one.
-- Params: org_id text | Rows: none
UPDATE field_edit e
   SET status = 'superseded', settled_at = now()
 WHERE e.org_id = %(org_id)s
   AND e.status = 'parked'
   AND EXISTS (
       SELECT FROM field_edit l
        WHERE l.org_id = e.org_id AND l.workspace_id = e.workspace_id AND l.target_salesforce_id = e.target_salesforce_id
          AND l.field_name = e.field_name AND l.edit_id > e.edit_id);

-- name: unpark_edits
-- Queue parked edits again whose obstacle is gone, unless an earlier one of the field is queued still.
-- Params: none | Rows: none
UPDATE field_edit e
   SET status = 'queued', error_code = NULL, error_detail = NULL
  FROM edit_obstacle o
 WHERE o.edit_id = e.edit_id
   AND e.status = 'parked'
   AND o.obstacle IS NULL
   -- nobody expects an older one to be sent still: the daily sweep rejects it
   AND e.requested_at > now() - interval '30 days'
   AND NOT EXISTS (
       SELECT FROM field_edit q
        WHERE q.workspace_id = e.workspace_id AND q.target_salesforce_id = e.target_salesforce_id
          AND q.field_name = e.field_name AND q.status = 'queued');

-- name: supersede_merged_edits
-- Where a merge brings two queued edits of one field together, let the later one stand, on the base that the winner's own edit had.
-- Params: org_id text | Rows: none
WITH moving AS (
    SELECT e.edit_id, e.workspace_id, e.field_name, effective_contact_id(e.org_id, e.target_salesforce_id) AS winner
      FROM field_edit e
      JOIN salesforce_contact c ON c.org_id = e.org_id AND c.salesforce_id = e.target_salesforce_id
     WHERE e.org_id = %(org_id)s AND e.status = 'queued' AND c.presence <> 'live'
), rival AS (
    SELECT edit_id, workspace_id, field_name, winner, false AS is_winners FROM moving WHERE winner IS NOT NULL
     UNION ALL
    SELECT q.edit_id, q.workspace_id, q.field_name, q.target_salesforce_id, true
      FROM field_edit q
     WHERE q.org_id = %(org_id)s AND q.status = 'queued'
       AND EXISTS (SELECT FROM moving m
                    WHERE m.workspace_id = q.workspace_id AND m.field_name = q.field_name AND m.winner = q.target_salesforce_id)
), later AS (
    SELECT workspace_id, field_name, winner, max(edit_id) AS edit_id, max(edit_id) FILTER (WHERE is_winners) AS winners_id
      FROM rival
     GROUP BY workspace_id, field_name, winner
    HAVING count(*) > 1
), inherited AS (
    UPDATE field_edit h SET base_value = w.base_value
      FROM later l JOIN field_edit w ON w.edit_id = l.winners_id
     WHERE h.edit_id = l.edit_id AND l.winners_id <> l.edit_id
)
UPDATE field_edit e
   SET status = 'superseded', settled_at = now()
  FROM rival r
  JOIN later l USING (workspace_id, field_name, winner)
 WHERE e.edit_id = r.edit_id
   AND r.edit_id <> l.edit_id;

-- name: follow_merges
-- Point open edits of merged records at the winner.
-- Params: org_id text | Rows: none
UPDATE field_edit e
   SET target_salesforce_id = effective_contact_id(e.org_id, e.target_salesforce_id)
  FROM salesforce_contact c
 WHERE e.org_id = %(org_id)s
   AND e.status IN ('queued', 'parked')
   AND c.org_id = e.org_id
   AND c.salesforce_id = e.target_salesforce_id
   AND c.presence <> 'live'
   AND effective_contact_id(e.org_id, e.target_salesforce_id) IS NOT NULL;

-- name: inherit_bases
-- Give edits that waited behind another one the base it left: what was stored, or its own base if it changed nothing.
-- Params: org_id text | Rows: none
UPDATE field_edit e
   SET base_value = CASE WHEN a.status = 'applied' THEN a.stored_value ELSE a.base_value END, after_edit_id = NULL
  FROM field_edit a
 WHERE e.org_id = %(org_id)s
   AND e.status = 'queued'
   AND a.edit_id = e.after_edit_id
   AND a.status IN ('applied', 'rejected', 'discarded', 'superseded');

-- name: stop_behind_conflicts
-- End edits that waited behind one that met somebody else's value: they were made on the same ground.
-- Params: org_id text | Rows: none
UPDATE field_edit e
   SET status = 'conflict', error_code = 'conflict', error_detail = 'The edit before this one met another value.',
       stored_value = a.stored_value, settled_at = now()
  FROM field_edit a
 WHERE e.org_id = %(org_id)s
   AND e.status = 'queued'
   AND a.edit_id = e.after_edit_id
   AND a.status = 'conflict';

-- name: claim_edits
-- Claim due edits, oldest first, one per contact and field, and take up again those that were sent and not settled.
-- Params: org_id text, run_id text, batch_size int | Rows: 0..batch_size (edit_id)
WITH claimable AS (
    SELECT e.edit_id
      FROM field_edit e
     WHERE e.org_id = %(org_id)s
       AND e.status = 'queued'
       AND (e.not_before IS NULL OR e.not_before <= now())
       AND e.after_edit_id IS NULL
       -- an earlier open edit of the same field goes first, and one of the same contact that waits lets none by
       AND NOT EXISTS (
           SELECT FROM field_edit b
            WHERE b.org_id = e.org_id AND b.target_salesforce_id = e.target_salesforce_id AND b.edit_id < e.edit_id
              AND (b.status = 'applying'
                   OR (b.status = 'queued'
                       AND (b.field_name = e.field_name OR b.not_before > now() OR b.after_edit_id IS NOT NULL))))
     ORDER BY e.edit_id
     LIMIT %(batch_size)s
       -- an edit that is being discarded at this moment is not ours
       FOR UPDATE SKIP LOCKED
)
UPDATE field_edit
   SET status = 'applying', claimed_at = now(), claimed_by = %(run_id)s, attempts = attempts + 1, not_before = NULL,
       error_code = NULL, error_detail = NULL
  FROM claimable
 WHERE field_edit.edit_id = claimable.edit_id
RETURNING field_edit.edit_id;

-- name: take_over_flight
-- Make the edits in flight the run's own: it brings them to their end.
-- Params: org_id text, run_id text | Rows: none
UPDATE field_edit
   SET claimed_by = %(run_id)s
 WHERE org_id = %(org_id)s
   AND status = 'applying';

-- name: count_edits_of_run
-- Count what a run took on and what came of it so far, its earlier tries included.
-- Params: org_id text, run_id text | Rows: 1 (claimed, applied, conflict, rejected)
SELECT count(*) AS claimed, count(*) FILTER (WHERE status = 'applied') AS applied,
       count(*) FILTER (WHERE status = 'conflict') AS conflict, count(*) FILTER (WHERE status = 'rejected') AS rejected
  FROM field_edit
 WHERE claimed_by = %(run_id)s
   AND org_id = %(org_id)s;

-- name: count_settled_edits
-- Count over all orgs what a run took on, how much of it ended, and what Salesforce refused, in all its tries.
-- Params: run_id text | Rows: 1 (claimed, settled, rejected)
SELECT count(*) AS claimed, count(settled_at) AS settled, count(*) FILTER (WHERE status = 'rejected') AS rejected
  FROM field_edit
 WHERE claimed_by = %(run_id)s;

-- name: select_edits_in_flight
-- Read the edits being applied, with their field's describe, in the order they were made.
-- Params: org_id text | Rows: 0..n (edit_id, target_salesforce_id, field_name, base_value, new_value, sent_at, sent_modstamp, attempts, is_conditional, name, label, type, length, updateable, calculated, nillable, restricted, picklist)
SELECT e.edit_id, e.target_salesforce_id, e.field_name, e.base_value, e.new_value, e.sent_at, e.sent_modstamp, e.attempts,
       coalesce(w.edit_sending, 'conditional') = 'conditional' AS is_conditional, e.field_name AS name, coalesce(f.label, e.field_name) AS label, coalesce(f.type, 'string') AS type,
       coalesce(f.length, 0) AS length, coalesce(f.updateable, true) AS updateable, coalesce(f.calculated, false) AS calculated,
       coalesce(f.nillable, true) AS nillable, coalesce(f.restricted, false) AS restricted,
       coalesce(f.picklist, '{}') AS picklist
  FROM field_edit e
  LEFT JOIN workspace w USING (workspace_id)
  LEFT JOIN salesforce_field f ON f.org_id = e.org_id AND f.name = e.field_name
 WHERE e.org_id = %(org_id)s
   AND e.status = 'applying'
 ORDER BY e.edit_id;

-- name: mark_edits_sent
-- Write down, before anything is sent, that it will be, and at which stamp the record was read.
-- Params: edit_ids bigint[], stamps timestamptz[] | Rows: none
UPDATE field_edit e
   SET sent_at = now(), sent_modstamp = s.stamp
  FROM unnest(%(edit_ids)s::bigint[], %(stamps)s::timestamptz[]) AS s (edit_id, stamp)
 WHERE e.edit_id = s.edit_id;

-- name: unmark_edits_sent
-- Take back that edits were sent: their call was certainly not made or not taken.
-- Params: edit_ids bigint[] | Rows: none
UPDATE field_edit
   SET sent_at = NULL, sent_modstamp = NULL
 WHERE edit_id = ANY (%(edit_ids)s::bigint[])
   AND status = 'applying';

-- name: settle_edits
-- Write down what became of edits.
-- Params: outcomes json | Rows: none
UPDATE field_edit e
   SET status = o.status, stored_value = o.stored_value, stored_modstamp = o.stored_modstamp, error_code = o.error_code,
       error_detail = o.error_detail, changed_by_salesforce = coalesce(o.changed_by_salesforce, false), settled_at = now()
  FROM jsonb_to_recordset(%(outcomes)s::jsonb) AS o (
       edit_id bigint, status text, stored_value jsonb, stored_modstamp timestamptz, error_code text, error_detail text,
       changed_by_salesforce boolean)
 WHERE e.edit_id = o.edit_id
   AND e.status = 'applying';

-- name: requeue_edits
-- Put edits back that may be taken later; after too many tries they are rejected instead.
-- Params: seconds float, attempts int, reasons json | Rows: 0..n (status)
UPDATE field_edit e
   SET status = CASE WHEN attempts < %(attempts)s THEN 'queued' ELSE 'rejected' END,
       settled_at = CASE WHEN attempts < %(attempts)s THEN NULL ELSE now() END,
       not_before = now() + make_interval(secs => %(seconds)s * greatest(attempts, 1)),
       error_code = r.code, error_detail = CASE WHEN attempts < %(attempts)s THEN r.retried ELSE r.refused END,
       sent_at = NULL, sent_modstamp = NULL
  FROM jsonb_to_recordset(%(reasons)s::jsonb) AS r (edit_id bigint, code text, retried text, refused text)
 WHERE e.edit_id = r.edit_id
   AND e.status = 'applying'
RETURNING e.status;

-- name: uncount_lagging_merges
-- Take back the attempt of edits that wait for our own reading: the mirror does not know yet that their record was merged.
-- Params: edit_ids bigint[] | Rows: none
UPDATE field_edit e
   SET attempts = e.attempts - 1
  FROM salesforce_contact c
 WHERE e.edit_id = ANY (%(edit_ids)s::bigint[])
   AND e.status = 'applying'
   AND e.attempts > 0
   AND c.org_id = e.org_id
   AND c.salesforce_id = e.target_salesforce_id
   AND c.presence = 'live';

-- name: explain_waiting_edits
-- Say why an org's open edits wait where they do not say so themselves; the claim that goes on with them takes it back.
-- Params: org_id text, error_code text, error_detail text, codes text[] | Rows: none
UPDATE field_edit
   SET error_code = %(error_code)s, error_detail = %(error_detail)s
 WHERE org_id = %(org_id)s
   AND status IN ('queued', 'applying')
   AND (error_code IS NULL OR error_code = ANY (%(codes)s::text[]))
   AND error_code IS DISTINCT FROM %(error_code)s;

-- name: merge_read_contacts
-- Bring what was just read back from Salesforce into the mirror: edited fields and stamps.
-- Params: org_id text, read_at timestamptz, contacts json | Rows: none
UPDATE salesforce_contact m
   SET payload = m.payload || (r.payload - ARRAY['FirstName', 'LastName', 'MailingCountry']),
       first_name = CASE WHEN r.payload ? 'FirstName' THEN r.payload ->> 'FirstName' ELSE m.first_name END,
       last_name = CASE WHEN r.payload ? 'LastName' THEN r.payload ->> 'LastName' ELSE m.last_name END,
       country = CASE WHEN r.payload ? 'MailingCountry' THEN r.payload ->> 'MailingCountry' ELSE m.country END,
       read_at = %(read_at)s, extracted_at = now()
  FROM (SELECT x.salesforce_id, x.system_modstamp, coalesce(jsonb_object_agg(
               v.key, canonical_value(v.value, coalesce(f.type, 'string'))), '{}') AS payload
          FROM jsonb_to_recordset(%(contacts)s::jsonb) AS x (salesforce_id text, system_modstamp timestamptz, fields jsonb)
         CROSS JOIN LATERAL jsonb_each(x.fields) AS v
          LEFT JOIN salesforce_field f ON f.org_id = %(org_id)s AND f.name = v.key
         GROUP BY x.salesforce_id, x.system_modstamp) AS r
 WHERE m.org_id = %(org_id)s
   AND m.salesforce_id = r.salesforce_id
   -- the stamp stays behind on purpose: the next window brings the whole record, fields we did not read included;
   -- until then keep_applied_edits defends these against windows that were read before
   AND r.system_modstamp >= m.system_modstamp;

-- name: mark_shown_rows
-- Put the sidebar rows that show these contacts on materializing's working table.
-- Params: org_id text, salesforce_ids text[] | Rows: none
INSERT INTO changed_row (workspace_id, respond_id)
SELECT workspace_id, respond_id
  FROM contact_match
 WHERE org_id = %(org_id)s
   AND salesforce_id = ANY (%(salesforce_ids)s::text[])
ON CONFLICT DO NOTHING;

-- name: select_integration_user
-- Read as whom we act in an org.
-- Params: org_id text | Rows: 0..1 (integration_user_id)
SELECT integration_user_id
  FROM salesforce_org
 WHERE org_id = %(org_id)s;

-- name: count_edits_to_apply
-- Count what a run would take up for an org.
-- Params: org_id text | Rows: 1 (due, in_flight)
SELECT count(*) FILTER (WHERE status = 'queued' AND (not_before IS NULL OR not_before <= now())) AS due,
       count(*) FILTER (WHERE status = 'applying') AS in_flight
  FROM field_edit
 WHERE org_id = %(org_id)s
   AND status IN ('queued', 'applying');

-- name: count_due_edits
-- Count the edits that may be applied now.
-- Params: none | Rows: 1 (due)
SELECT count(*) AS due
  FROM field_edit e
  JOIN salesforce_org o USING (org_id)
 WHERE e.status = 'queued'
   AND (e.not_before IS NULL OR e.not_before <= now())
   AND o.disconnected_at IS NULL;
