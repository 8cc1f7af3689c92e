-- Why one respond contact has the match it has, or none; and a person's decision about it.
-- match_decision: standing until revoked_at is set; a new decision revokes the one before.

-- name: select_match_state
-- Read how one respond contact stands: its match or issue, and the standing decision.
-- Params: workspace_id text, respond_id int | Rows: 0..1 (respond_id, org_id, gone_at, seen_at, salesforce_id, matched_by, first_matched_at, status, reason, candidate_count, decision_id, decided_salesforce_id, decided_by, decided_at, decision_reason)
SELECT c.respond_id, w.org_id, c.gone_at, c.seen_at, m.salesforce_id, m.matched_by, m.first_matched_at,
       i.status, i.reason, i.candidate_count, d.decision_id, d.salesforce_id AS decided_salesforce_id,
       d.decided_by, d.decided_at, d.reason AS decision_reason
  FROM respond_contact c
  JOIN workspace w USING (workspace_id)
  LEFT JOIN contact_match m USING (workspace_id, respond_id)
  LEFT JOIN match_issue i USING (workspace_id, respond_id)
  LEFT JOIN match_decision d ON d.org_id = w.org_id AND d.workspace_id = c.workspace_id
   AND d.respond_id = c.respond_id AND d.revoked_at IS NULL
 WHERE c.workspace_id = %(workspace_id)s
   AND c.respond_id = %(respond_id)s;

-- name: select_respond_values
-- List the raw e-mail and phone of a respond contact, with the key or the reason why there is none.
-- Params: workspace_id text, respond_id int | Rows: 0..2 (kind, raw, region, key, e164, reason)
SELECT v.kind, v.raw, v.region, u.key, u.e164, u.reason
  FROM respond_raw_value v
  LEFT JOIN key_rule u USING (kind, region, raw_digest)
 WHERE v.workspace_id = %(workspace_id)s
   AND v.respond_id = %(respond_id)s
 ORDER BY v.kind;

-- name: select_explanation
-- List the Salesforce contacts that share a key with a respond contact, in the comparison the workspace uses.
-- Params: workspace_id text, respond_id int | Rows: 0..n (salesforce_id, effective_id, kind, key, respond_value, salesforce_values, live_contacts, verdict)
SELECT e.salesforce_id, e.effective_id, e.kind, e.key, e.respond_value, e.salesforce_values, e.live_contacts, e.verdict
  FROM match_explanation e
 WHERE e.workspace_id = %(workspace_id)s
   AND e.respond_id = %(respond_id)s
 ORDER BY e.effective_id NULLS LAST, e.kind, e.salesforce_id;

-- name: select_near_misses
-- List what nearly matched an unmatched respond contact: both raw values, both keys, the rule, the verdict, what to change.
-- Params: workspace_id text, respond_id int | Rows: 0..20 (salesforce_id, kind, key, nearness, hint, respond_value, salesforce_key, salesforce_field, salesforce_value, rule, verdict)
SELECT salesforce_id, kind, key, nearness, hint, respond_value, salesforce_key, salesforce_field, salesforce_value, rule, verdict
  FROM near_miss
 WHERE workspace_id = %(workspace_id)s
   AND respond_id = %(respond_id)s
 ORDER BY kind, salesforce_id, key, salesforce_key
 LIMIT 20;

-- name: select_withheld
-- Tell whether a contact stays as it is whatever changes: its org's matching waits, or the brake keeps its match or values.
-- Params: workspace_id text, respond_id int | Rows: 0..1 (waits_for, due_for, kind, hold_id, decision)
SELECT g.waits_for, g.due_for, h.kind, h.hold_id, h.decision
  FROM workspace w
  JOIN org_gate g ON g.org_id = w.org_id
  LEFT JOIN held_contact c ON c.workspace_id = w.workspace_id AND c.respond_id = %(respond_id)s
   AND g.waits_for IS NULL
  LEFT JOIN held_change h ON h.org_id = c.org_id AND h.workspace_id = c.workspace_id AND h.kind = c.kind
   AND h.ended_at IS NULL
 WHERE w.workspace_id = %(workspace_id)s
   AND (g.waits_for IS NOT NULL OR h.hold_id IS NOT NULL)
 ORDER BY h.kind DESC
 LIMIT 1;

-- name: revoke_decision
-- Take back the standing decision about a respond contact.
-- Params: org_id text, workspace_id text, respond_id int | Rows: none
UPDATE match_decision
   SET revoked_at = now()
 WHERE org_id = %(org_id)s
   AND workspace_id = %(workspace_id)s
   AND respond_id = %(respond_id)s
   AND revoked_at IS NULL;

-- name: insert_decision
-- Remember a person's decision; a null salesforce_id says that it is none of them.
-- Params: org_id text, workspace_id text, respond_id int, salesforce_id text, reason text, decided_by text | Rows: none
INSERT INTO match_decision (org_id, workspace_id, respond_id, salesforce_id, reason, decided_by)
VALUES (%(org_id)s, %(workspace_id)s, %(respond_id)s, %(salesforce_id)s, %(reason)s, %(decided_by)s);

-- name: select_creation_case
-- Read how a Salesforce record stands with a workspace's creations, and how it came in.
-- Params: workspace_id text, salesforce_id text | Rows: 0..1 (org_id, presence, created_at, created_by_id, is_bulk_import, bulk_evidence, bulk_judged_at, auto_create_since, include_bulk_imports, status, rule, respond_id, identifier, tags, attempts, not_before, error_code, error_detail, planned_at, settled_at)
SELECT c.org_id, c.presence, c.created_at, c.created_by_id, c.is_bulk_import, c.bulk_evidence, c.bulk_judged_at,
       w.auto_create_since, w.include_bulk_imports, p.status, p.rule, p.respond_id, p.identifier, p.tags, p.attempts,
       p.not_before, p.error_code, p.error_detail, p.planned_at, p.settled_at
  FROM workspace w
  JOIN salesforce_contact c ON c.org_id = w.org_id AND c.salesforce_id = %(salesforce_id)s
  LEFT JOIN contact_creation p ON p.workspace_id = w.workspace_id AND p.salesforce_id = c.salesforce_id
 WHERE w.workspace_id = %(workspace_id)s;
