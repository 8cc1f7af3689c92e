-- One respond contact, at most one Salesforce contact. The proposed table is a function of mirrors, keys, decisions and creations.
-- Rules in order: a standing decision; our own creation; equal keys. Whoever is not matched has an issue that says why.

-- name: create_match_tables
-- Make the working tables of one transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS affected_contact (workspace_id text, respond_id bigint, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS affected_key (workspace_id text, respond_id bigint, family text, kind text, key text, key_limit integer) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS key_holder (kind text, key text, live_contacts bigint, PRIMARY KEY (kind, key)) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS candidate (workspace_id text, respond_id bigint, salesforce_id text, email_key text, phone_key text) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS standing (workspace_id text, respond_id bigint, rule text, salesforce_id text) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS verdict (workspace_id text, respond_id bigint, salesforce_id text, rule text, status text, candidate_count integer, candidates text[], PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DROP;

-- name: claim_key_changes
-- Take the org's key changes off the feed and list the respond contacts they concern.
-- Params: org_id text | Rows: none
WITH claimed AS (
    DELETE FROM pending_change
     WHERE org_id = %(org_id)s
       AND entity IN ('salesforce_key', 'respond_key')
    RETURNING entity, workspace_id, entity_id
), changed_key AS (
    SELECT DISTINCT split_part(entity_id, ':', 1) AS kind, substr(entity_id, strpos(entity_id, ':') + 1) AS key
      FROM claimed
     WHERE entity = 'salesforce_key'
)
INSERT INTO affected_contact (workspace_id, respond_id)
SELECT workspace_id, entity_id::bigint FROM claimed WHERE entity = 'respond_key' AND entity_id IS NOT NULL
 UNION
SELECT k.workspace_id, k.respond_id
  FROM changed_key c
  JOIN respond_key k ON k.org_id = %(org_id)s AND k.kind = c.kind AND k.key = c.key
 UNION
SELECT r.workspace_id, r.respond_id
  FROM claimed c
  JOIN respond_contact r ON r.workspace_id = c.workspace_id AND r.org_id = %(org_id)s
 WHERE c.entity = 'respond_key' AND c.entity_id IS NULL;

-- name: insert_affected_keys
-- List the keys of the affected contacts that their workspace's mode compares.
-- Params: org_id text | Rows: none
INSERT INTO affected_key (workspace_id, respond_id, family, kind, key, key_limit)
SELECT k.workspace_id, k.respond_id, split_part(k.kind, '_', 1), k.kind, k.key, w.shared_key_limit
  FROM affected_contact a
  JOIN workspace w ON w.workspace_id = a.workspace_id AND w.org_id = %(org_id)s
  JOIN respond_key k ON k.workspace_id = a.workspace_id AND k.respond_id = a.respond_id
 WHERE k.kind IN ('email', 'phone') AND w.match_mode = 'normalized'
    OR k.kind IN ('email_raw', 'phone_raw') AND w.match_mode = 'exact';

-- name: count_key_holders
-- Count, once per key, the live Salesforce contacts that hold it; keys that only deleted ones hold count 0.
-- Params: org_id text | Rows: none
INSERT INTO key_holder (kind, key, live_contacts)
SELECT s.kind, s.key, count(DISTINCT s.effective_id)
  FROM (SELECT DISTINCT kind, key FROM affected_key) AS k
  JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key
 GROUP BY s.kind, s.key;

-- name: analyze_affected
-- Let the planner know how much there is to match.
-- Params: none | Rows: none
ANALYZE affected_contact, affected_key, key_holder;

-- name: insert_candidates
-- List the candidates: live Salesforce contacts that share a key which few enough hold.
-- Params: org_id text | Rows: none
INSERT INTO candidate (workspace_id, respond_id, salesforce_id, email_key, phone_key)
SELECT k.workspace_id, k.respond_id, s.effective_id,
       min(k.key) FILTER (WHERE k.family = 'email'), min(k.key) FILTER (WHERE k.family = 'phone')
  FROM affected_key k
  JOIN key_holder h ON h.kind = k.kind AND h.key = k.key AND h.live_contacts BETWEEN 1 AND k.key_limit
  JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key AND s.effective_id IS NOT NULL
 GROUP BY k.workspace_id, k.respond_id, s.effective_id;

-- name: insert_standing_answers
-- List what overrules the keys: a standing decision, and a creation whose record is live and still a candidate.
-- Params: org_id text | Rows: none
INSERT INTO standing (workspace_id, respond_id, rule, salesforce_id)
SELECT d.workspace_id, d.respond_id, 'decision', effective_contact_id(d.org_id, d.salesforce_id)
  FROM affected_contact a
  JOIN match_decision d ON d.org_id = %(org_id)s AND d.workspace_id = a.workspace_id AND d.respond_id = a.respond_id
 WHERE d.revoked_at IS NULL
 UNION ALL
SELECT c.workspace_id, c.respond_id, 'creation', min(x.salesforce_id)
  FROM affected_contact a
  JOIN contact_creation c ON c.workspace_id = a.workspace_id AND c.respond_id = a.respond_id
   AND c.org_id = %(org_id)s AND c.status IN ('created', 'tagged', 'adopted')
  JOIN candidate x ON x.workspace_id = c.workspace_id AND x.respond_id = c.respond_id
   AND x.salesforce_id = effective_contact_id(c.org_id, c.salesforce_id)
 GROUP BY c.workspace_id, c.respond_id
-- one respond contact may serve two records that we adopted it for: then its creation decides nothing
HAVING count(DISTINCT x.salesforce_id) = 1;

-- name: insert_verdicts
-- Decide each affected contact from its candidates; the statements after this fill in decisions and reasons.
-- Params: org_id text | Rows: none
INSERT INTO verdict (workspace_id, respond_id, salesforce_id, rule, status, candidate_count, candidates)
SELECT a.workspace_id, a.respond_id,
       CASE WHEN count(c.salesforce_id) = 1 THEN min(c.salesforce_id)
            WHEN count(*) FILTER (WHERE both_keys) = 1 THEN min(c.salesforce_id) FILTER (WHERE both_keys) END,
       CASE WHEN count(*) FILTER (WHERE both_keys) = 1 THEN 'email+phone'
            WHEN count(c.salesforce_id) = 1 AND count(c.email_key) = 1 THEN 'email'
            WHEN count(c.salesforce_id) = 1 THEN 'phone'
            WHEN count(*) FILTER (WHERE both_keys) > 1 THEN 'several_by_both'
            WHEN count(c.email_key) > 0 AND count(c.phone_key) > 0 THEN 'email_phone_disagree'
            WHEN count(c.email_key) > 0 THEN 'several_by_email'
            WHEN count(c.phone_key) > 0 THEN 'several_by_phone' END,
       CASE WHEN count(c.salesforce_id) = 1 OR count(*) FILTER (WHERE both_keys) = 1 THEN 'matched'
            WHEN count(c.salesforce_id) > 1 THEN 'ambiguous'
            ELSE 'unmatched' END,
       count(c.salesforce_id),
       (coalesce(array_agg(c.salesforce_id ORDER BY c.salesforce_id) FILTER (WHERE c.salesforce_id IS NOT NULL), '{}'))[1:20]
  FROM affected_contact a
  -- a workspace that left the org in the meantime gets no verdict from it
  JOIN workspace w ON w.workspace_id = a.workspace_id AND w.org_id = %(org_id)s
  JOIN respond_contact r ON r.workspace_id = a.workspace_id AND r.respond_id = a.respond_id AND r.gone_at IS NULL
  LEFT JOIN candidate c ON c.workspace_id = a.workspace_id AND c.respond_id = a.respond_id
 CROSS JOIN LATERAL (SELECT c.email_key IS NOT NULL AND c.phone_key IS NOT NULL AS both_keys) AS b
 GROUP BY a.workspace_id, a.respond_id;

-- name: analyze_verdicts
-- Let the planner know how many candidates and verdicts there are.
-- Params: none | Rows: none
ANALYZE candidate, verdict;

-- name: resolve_most_recent
-- Where the workspace says so, let the most recently created candidate win an ambiguity.
-- Params: org_id text | Rows: none
WITH latest AS (
    SELECT DISTINCT ON (v.workspace_id, v.respond_id) v.workspace_id, v.respond_id, c.salesforce_id
      FROM verdict v
      JOIN workspace w ON w.workspace_id = v.workspace_id AND w.ambiguous_policy = 'most_recent'
      JOIN candidate c ON c.workspace_id = v.workspace_id AND c.respond_id = v.respond_id
      JOIN salesforce_contact s ON s.org_id = %(org_id)s AND s.salesforce_id = c.salesforce_id
     WHERE v.status = 'ambiguous'
     ORDER BY v.workspace_id, v.respond_id, s.created_at DESC NULLS LAST, s.salesforce_id DESC
)
UPDATE verdict v
   SET status = 'matched', rule = 'most_recent', salesforce_id = l.salesforce_id
  FROM latest l
 WHERE v.workspace_id = l.workspace_id
   AND v.respond_id = l.respond_id;

-- name: apply_standing_answers
-- Let creations, then decisions, overrule what the keys say.
-- Params: org_id text | Rows: none
UPDATE verdict v
   SET salesforce_id = s.salesforce_id,
       status = CASE WHEN s.salesforce_id IS NOT NULL THEN 'matched' ELSE 'unmatched' END,
       rule = CASE WHEN s.salesforce_id IS NOT NULL THEN s.rule WHEN d.salesforce_id IS NULL THEN 'decided_nobody'
                   ELSE 'counterpart_deleted' END
  FROM (SELECT DISTINCT ON (workspace_id, respond_id) workspace_id, respond_id, rule, salesforce_id
          FROM standing
         -- 'decision' comes after 'creation' in the alphabet and before it in rank
         ORDER BY workspace_id, respond_id, rule DESC) AS s
  LEFT JOIN match_decision d
    ON d.org_id = %(org_id)s AND d.workspace_id = s.workspace_id AND d.respond_id = s.respond_id AND d.revoked_at IS NULL
 WHERE v.workspace_id = s.workspace_id
   AND v.respond_id = s.respond_id;

-- name: explain_unmatched
-- Give each unmatched contact its reason: a shared key, a deleted counterpart, no usable identifier, or nobody there.
-- Params: none | Rows: none
WITH told AS (
    SELECT v.workspace_id, v.respond_id, bool_or(h.live_contacts > k.key_limit) AS is_shared,
           bool_or(h.key IS NOT NULL) AS has_counterpart, bool_or(k.key IS NOT NULL) AS has_key
      FROM verdict v
      LEFT JOIN affected_key k ON k.workspace_id = v.workspace_id AND k.respond_id = v.respond_id
      LEFT JOIN key_holder h ON h.kind = k.kind AND h.key = k.key
     WHERE v.status = 'unmatched'
       AND v.rule IS NULL
     GROUP BY v.workspace_id, v.respond_id
), unusable AS (
    SELECT DISTINCT workspace_id, respond_id
      FROM told
      JOIN respond_raw_value r USING (workspace_id, respond_id)
      JOIN key_rule u USING (kind, region, raw_digest)
     WHERE NOT told.has_key
       AND u.reason IS DISTINCT FROM 'empty'
)
UPDATE verdict v
   SET rule = CASE WHEN t.is_shared THEN 'shared_key'
                   WHEN t.has_counterpart THEN 'counterpart_deleted'
                   WHEN t.has_key THEN 'no_counterpart'
                   WHEN u.respond_id IS NOT NULL THEN 'invalid_identifier'
                   ELSE 'no_identifier' END
  FROM told t
  LEFT JOIN unusable u USING (workspace_id, respond_id)
 WHERE v.workspace_id = t.workspace_id
   AND v.respond_id = t.respond_id;

-- name: delete_stale_matches
-- Remove matches of affected contacts that no longer hold.
-- Params: org_id text | Rows: none
DELETE FROM contact_match m
 USING affected_contact a
 WHERE m.org_id = %(org_id)s
   AND m.workspace_id = a.workspace_id
   AND m.respond_id = a.respond_id
   AND NOT EXISTS (
       SELECT FROM verdict v
        WHERE v.workspace_id = m.workspace_id AND v.respond_id = m.respond_id AND v.status = 'matched');

-- name: delete_stale_issues
-- Remove issues of affected contacts that no longer hold.
-- Params: org_id text | Rows: none
DELETE FROM match_issue i
 USING affected_contact a
 WHERE i.org_id = %(org_id)s
   AND i.workspace_id = a.workspace_id
   AND i.respond_id = a.respond_id
   AND NOT EXISTS (
       SELECT FROM verdict v
        WHERE v.workspace_id = i.workspace_id AND v.respond_id = i.respond_id AND v.status <> 'matched');

-- name: upsert_matches
-- Write the matches that are new or different; when the pair was first matched is kept.
-- Params: org_id text | Rows: none
INSERT INTO contact_match AS held (org_id, workspace_id, respond_id, salesforce_id, matched_by, email_key, phone_key)
SELECT %(org_id)s, v.workspace_id, v.respond_id, v.salesforce_id, v.rule, c.email_key, c.phone_key
  FROM verdict v
  JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = %(org_id)s
  LEFT JOIN candidate c
    ON c.workspace_id = v.workspace_id AND c.respond_id = v.respond_id AND c.salesforce_id = v.salesforce_id
 WHERE v.status = 'matched'
ON CONFLICT (workspace_id, respond_id) DO UPDATE
   SET org_id = excluded.org_id, salesforce_id = excluded.salesforce_id, matched_by = excluded.matched_by,
       email_key = excluded.email_key, phone_key = excluded.phone_key, updated_at = now()
 WHERE (held.org_id, held.salesforce_id, held.matched_by, held.email_key, held.phone_key)
    IS DISTINCT FROM (excluded.org_id, excluded.salesforce_id, excluded.matched_by, excluded.email_key, excluded.phone_key);

-- name: upsert_issues
-- Write the issues that are new or different.
-- Params: org_id text | Rows: none
INSERT INTO match_issue AS held (org_id, workspace_id, respond_id, status, reason, candidate_count, candidates)
SELECT %(org_id)s, v.workspace_id, v.respond_id, v.status, v.rule, v.candidate_count, v.candidates
  FROM verdict v
  JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = %(org_id)s
 WHERE v.status <> 'matched'
ON CONFLICT (workspace_id, respond_id) DO UPDATE
   SET org_id = excluded.org_id, status = excluded.status, reason = excluded.reason,
       candidate_count = excluded.candidate_count, candidates = excluded.candidates, updated_at = now()
 WHERE (held.org_id, held.status, held.reason, held.candidate_count, held.candidates)
    IS DISTINCT FROM (excluded.org_id, excluded.status, excluded.reason, excluded.candidate_count, excluded.candidates);

-- name: count_verdicts
-- Count the verdicts of this run.
-- Params: none | Rows: 1 (looked_at, matched, ambiguous, unmatched)
SELECT (SELECT count(*) FROM affected_contact) AS looked_at,
       count(*) FILTER (WHERE status = 'matched') AS matched,
       count(*) FILTER (WHERE status = 'ambiguous') AS ambiguous,
       count(*) FILTER (WHERE status = 'unmatched') AS unmatched
  FROM verdict;
