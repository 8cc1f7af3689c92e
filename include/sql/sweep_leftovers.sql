-- What is kept for a time only: windows 90 days, runs and resolved rows 30, what a gone contact held 30, held quality runs 7.
-- Values whose key rules are of an older version are normalized anew; rules that nobody uses are dropped.

-- name: delete_old_windows
-- Forget windows that ended 90 days ago, but those that the watermark and the refills hang on.
-- Params: none | Rows: none
DELETE FROM extract_window w
 WHERE (w.status IN ('proven', 'failed', 'split') OR (w.status = 'deferred' AND NOT w.is_big))
   -- one that was split ends when its parts are proven, and never if one of them failed
   AND coalesce(w.finished_at, CASE WHEN w.status = 'split' THEN w.planned_at END) < now() - interval '90 days'
   AND NOT (w.status IN ('proven', 'split') AND w.split_from IS NULL AND w.read_from IS NULL AND w.kind IN ('initial', 'refill'))
   AND w.window_id <> ALL (
       SELECT DISTINCT ON (l.org_id) l.window_id
         FROM proven_window l
        WHERE l.kind IN ('initial', 'incremental')
        ORDER BY l.org_id, l.read_until DESC);

-- name: delete_old_stage_runs
-- Forget runs that began 30 days ago.
-- Params: none | Rows: none
DELETE FROM stage_run
 WHERE started_at < now() - interval '30 days';

-- name: delete_old_quality_runs
-- Forget runs of the suites after 30 days, held ones after 7, of which there are hundreds a day; an org's latest and its last good one stay.
-- Params: none | Rows: none
DELETE FROM quality_run q
 WHERE q.ran_at < now() - CASE q.verdict WHEN 'held' THEN interval '7 days' ELSE interval '30 days' END
   AND EXISTS (
       SELECT FROM quality_run l
        WHERE l.org_id = q.org_id AND l.quality_run_id > q.quality_run_id
          AND (q.verdict = 'held' OR l.verdict IN ('passed', 'approved')));

-- name: delete_resolved_rows
-- Forget quarantined rows that were resolved 30 days ago.
-- Params: none | Rows: none
DELETE FROM quarantined_row
 WHERE resolved_at < now() - interval '30 days';

-- name: delete_old_winners
-- Forget winners that nobody was merged into any more when they were last looked for, a month ago.
-- Params: none | Rows: none
DELETE FROM absent_winner
 WHERE asked_at < now() - interval '30 days';

-- name: reject_parked_edits
-- Give up edits that could not be sent for 30 days; their agents are told, and what they wrote is then kept as long as any edit's.
-- Params: error_detail text | Rows: none
UPDATE field_edit
   SET status = 'rejected', error_code = 'waited_too_long', error_detail = %(error_detail)s, settled_at = now()
 WHERE status = 'parked'
   AND requested_at <= now() - interval '30 days';

-- name: delete_old_edits
-- Forget edits that were settled 400 days ago, with their history; what a later edit took back or waited for stays beside it.
-- Params: none | Rows: none
DELETE FROM field_edit e
 WHERE e.settled_at < now() - interval '400 days'
   AND NOT EXISTS (SELECT FROM field_edit l WHERE l.after_edit_id = e.edit_id OR l.reverts_edit_id = e.edit_id);

-- name: blank_gone_payloads
-- Forget what contacts held that were purged or hidden 30 days ago; the row stays and says what became of it.
-- Params: none | Rows: none
UPDATE salesforce_contact
   SET payload = '{}'
 WHERE presence IN ('purged', 'not_visible')
   AND extracted_at < now() - interval '30 days'
   AND payload <> '{}';

-- name: blank_gone_contacts
-- Forget whom deleted respond contacts were 30 days later; e-mail and phone stay: they keep a person from being created again.
-- Params: none | Rows: none
UPDATE respond_contact
   SET first_name = NULL, last_name = NULL, payload = '{}'
 WHERE gone_at < now() - interval '30 days'
   AND (first_name IS NOT NULL OR last_name IS NOT NULL OR payload <> '{}');

-- name: are_rules_stale
-- Tell whether there are key rules of other versions, or ones that nobody was seen to use for 30 days.
-- Params: rules_version text | Rows: 1 (is_stale)
SELECT EXISTS (SELECT FROM key_rule
                WHERE rules_version <> %(rules_version)s OR used_at < now() - interval '30 days') AS is_stale;

-- name: delete_unused_rules
-- Drop stale key rules of values that no contact has; those of deleted respond contacts stay: they keep a person from being created again.
-- Params: rules_version text | Rows: none
WITH in_use AS (
    SELECT kind, region, raw_digest FROM salesforce_raw_value
     UNION
    SELECT kind, region, raw_digest FROM respond_raw_value
     UNION
    SELECT 'country', '', sha256(convert_to(country, 'UTF8')) FROM salesforce_contact WHERE country IS NOT NULL
     UNION
    SELECT 'country', '', sha256(convert_to(country, 'UTF8')) FROM respond_contact WHERE country IS NOT NULL
), gone AS (
    SELECT sha256(convert_to(g.email, 'UTF8')) AS raw_digest FROM respond_contact g WHERE g.gone_at IS NOT NULL
     UNION
    SELECT sha256(convert_to(g.phone, 'UTF8')) FROM respond_contact g WHERE g.gone_at IS NOT NULL
)
DELETE FROM key_rule r
 WHERE (r.rules_version <> %(rules_version)s OR r.used_at < now() - interval '30 days')
   AND NOT EXISTS (SELECT FROM in_use u WHERE u.kind = r.kind AND u.region = r.region AND u.raw_digest = r.raw_digest)
   AND NOT EXISTS (SELECT FROM gone g WHERE g.raw_digest = r.raw_digest);

-- name: touch_used_rules
-- Remember that the rules that were left are in use.
-- Params: none | Rows: none
UPDATE key_rule
   SET used_at = now()
 WHERE used_at < now() - interval '30 days';

-- name: count_outdated_rules
-- Count the rules of other versions that are in use, those of deleted respond contacts aside.
-- Params: rules_version text | Rows: 1 (rules)
SELECT count(*) AS rules
  FROM key_rule r
 WHERE r.rules_version <> %(rules_version)s
   AND NOT EXISTS (
       SELECT FROM respond_contact g
        WHERE g.gone_at IS NOT NULL
          AND r.raw_digest IN (sha256(convert_to(g.email, 'UTF8')), sha256(convert_to(g.phone, 'UTF8'))));

-- name: feed_all_contacts
-- Have all contacts of connected orgs normalized anew.
-- Params: none | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity)
SELECT org_id, NULL, 'salesforce_contact' FROM salesforce_org WHERE disconnected_at IS NULL
 UNION ALL
SELECT org_id, workspace_id, 'respond_contact' FROM workspace WHERE org_id IS NOT NULL;

-- name: await_normalizers
-- Wait for transactions that look rules up, and keep others out until this one ends.
-- Params: none | Rows: 1
SELECT pg_advisory_xact_lock(hashtextextended('contact_sync key_rule', 0));

-- name: settle_recent_rules
-- Move a batch of recent rules among all others, in the order of their digests: neighbours go to one page.
-- Params: batch_size int | Rows: none
WITH moved AS (
    DELETE FROM recent_key_rule r
     USING (SELECT raw_digest, kind, region FROM recent_key_rule ORDER BY raw_digest, kind, region LIMIT %(batch_size)s) AS next
     WHERE r.raw_digest = next.raw_digest
       AND r.kind = next.kind
       AND r.region = next.region
    RETURNING r.kind, r.region, r.raw_digest, r.rules_version, r.key, r.e164, r.reason, r.national, r.used_at
)
INSERT INTO key_rule (kind, region, raw_digest, rules_version, key, e164, reason, national, used_at)
SELECT kind, region, raw_digest, rules_version, key, e164, reason, national, used_at
  FROM moved
 ORDER BY raw_digest, kind, region
ON CONFLICT (raw_digest, kind, region) DO UPDATE
   SET rules_version = excluded.rules_version, key = excluded.key, e164 = excluded.e164, reason = excluded.reason,
       national = excluded.national, used_at = excluded.used_at;
