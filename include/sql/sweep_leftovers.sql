-- What is kept for a time only: windows 90 days, runs and resolved rows 30, what a gone contact held 30.
-- Key rules of older versions are dropped and their values normalized anew.

-- name: delete_old_windows
-- Forget windows that ended 90 days ago, but those that the watermark and the refills hang on.
-- Params: none | Rows: none
DELETE FROM extract_window w
 WHERE w.status IN ('proven', 'failed', 'split')
   AND w.finished_at < now() - interval '90 days'
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

-- name: delete_resolved_rows
-- Forget quarantined rows that were resolved 30 days ago.
-- Params: none | Rows: none
DELETE FROM quarantined_row
 WHERE resolved_at < now() - interval '30 days';

-- name: blank_gone_payloads
-- Forget what contacts held that were purged or hidden 30 days ago; the row stays and says what became of it.
-- Params: none | Rows: none
UPDATE salesforce_contact
   SET payload = '{}'
 WHERE presence IN ('purged', 'not_visible')
   AND extracted_at < now() - interval '30 days'
   AND payload <> '{}';

-- name: delete_outdated_rules
-- Drop key rules of other versions; those of deleted respond contacts stay: they keep a person from being created again.
-- Params: rules_version text | Rows: none
DELETE FROM key_rule r
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
