-- Changes withheld by the brake or the gate: what is open, and what a person decided.
-- open > approved | rejected | withdrawn, and rejected > approved; of a scope and kind one is in force, until its ended_at.

-- name: select_open_holds
-- List the holds that wait for a person, oldest first.
-- Params: none | Rows: 0..n (hold_id, org_id, workspace_id, kind, affected, share, sample_ids, held_at)
SELECT hold_id, org_id, workspace_id, kind, affected, share, sample_ids, held_at
  FROM held_change
 WHERE decision IS NULL
 ORDER BY hold_id;

-- name: select_refused_holds
-- List the refusals in force, oldest first: an approval may overrule them.
-- Params: none | Rows: 0..n (hold_id, org_id, workspace_id, kind, affected, share, sample_ids, held_at, decided_by, decided_at)
SELECT hold_id, org_id, workspace_id, kind, affected, share, sample_ids, held_at, decided_by, decided_at
  FROM held_change
 WHERE decision = 'rejected'
   AND ended_at IS NULL
 ORDER BY hold_id;

-- name: select_hold
-- Read one hold.
-- Params: hold_id bigint | Rows: 0..1 (hold_id, org_id, workspace_id, kind, affected, share, held_at, decision, decided_by, decided_at, approved_up_to)
SELECT hold_id, org_id, workspace_id, kind, affected, share, held_at, decision, decided_by, decided_at, approved_up_to
  FROM held_change
 WHERE hold_id = %(hold_id)s;

-- name: decide_hold
-- Write down a decision on an open hold, or overrule a refusal; an approval covers what is affected now unless a number is given.
-- Params: hold_id bigint, decision text, decided_by text, approved_up_to bigint, overrules boolean | Rows: 0..1 (hold_id)
UPDATE held_change
   SET decision = %(decision)s, decided_by = %(decided_by)s, decided_at = now(),
       approved_up_to = CASE WHEN %(decision)s = 'approved' THEN coalesce(%(approved_up_to)s::bigint, affected) END
 WHERE hold_id = %(hold_id)s
   AND (decision IS NULL OR (decision = 'rejected' AND ended_at IS NULL AND %(decision)s = 'approved' AND %(overrules)s))
RETURNING hold_id;

-- name: select_hold_in_force
-- Read the hold of one scope and kind that is open, or whose decision still stands.
-- Params: org_id text, workspace_id text, kind text | Rows: 0..1 (hold_id, affected, decision, approved_up_to)
SELECT hold_id, affected, decision, approved_up_to
  FROM held_change
 WHERE org_id = %(org_id)s
   AND coalesce(workspace_id, '') = coalesce(%(workspace_id)s, '')
   AND kind = %(kind)s
   AND ended_at IS NULL
   -- who decides at this moment decides on what we are about to withhold
   FOR UPDATE;

-- name: upsert_hold
-- Open a hold, or bring the open one of the scope and kind up to date; a decided one that is in force ends first.
-- Params: org_id text, workspace_id text, kind text, affected bigint, share numeric, sample_ids text[] | Rows: 0..1 (hold_id)
INSERT INTO held_change AS held (org_id, workspace_id, kind, affected, share, sample_ids)
VALUES (%(org_id)s, %(workspace_id)s, %(kind)s, %(affected)s, %(share)s, %(sample_ids)s::text[])
ON CONFLICT (org_id, coalesce(workspace_id, ''), kind) WHERE ended_at IS NULL DO UPDATE
   SET affected = excluded.affected, share = excluded.share, sample_ids = excluded.sample_ids
 WHERE held.decision IS NULL
   AND (held.affected, held.share, held.sample_ids) IS DISTINCT FROM (excluded.affected, excluded.share, excluded.sample_ids)
RETURNING hold_id;

-- name: end_holds
-- End the hold in force of a scope and kind: nothing is withheld any more, or a larger one takes its place. Open, it is withdrawn.
-- Params: org_id text, workspace_id text, kind text | Rows: none
UPDATE held_change
   SET decision = coalesce(decision, 'withdrawn'), decided_at = coalesce(decided_at, now()), ended_at = now()
 WHERE org_id = %(org_id)s
   AND coalesce(workspace_id, '') = coalesce(%(workspace_id)s, '')
   AND kind = %(kind)s
   AND ended_at IS NULL;

-- name: use_approval
-- Use an approval up: it serves one run.
-- Params: hold_id bigint | Rows: none
UPDATE held_change
   SET applied_at = now(), ended_at = now()
 WHERE hold_id = %(hold_id)s;

-- name: list_held_scopes
-- List whose changes are withheld now, decided or not; an org held by its gate comes without a workspace.
-- Params: none | Rows: 0..n (org_id, workspace_id, kind, hold_id)
SELECT h.org_id, h.workspace_id, h.kind, h.hold_id
  FROM held_change h
  JOIN salesforce_org o ON o.org_id = h.org_id AND o.disconnected_at IS NULL
 WHERE h.ended_at IS NULL
   -- a refusal of the gate's question leaves the org unmatched until its data is better
   AND (h.decision IS NULL OR (h.kind = 'gate' AND h.decision = 'rejected'))
 ORDER BY h.hold_id;

-- name: feed_approved_contacts
-- Have the contacts of an approved hold looked at again; those of a refused one stay as they are.
-- Params: hold_id bigint | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT c.org_id, c.workspace_id, CASE c.kind WHEN 'unmatch' THEN 'respond_key' ELSE 'sidebar_row' END, c.respond_id::text
  FROM held_change h
  JOIN held_contact c ON c.workspace_id = h.workspace_id AND c.kind = h.kind
 WHERE h.hold_id = %(hold_id)s
   AND h.decision = 'approved';
