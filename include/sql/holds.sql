-- Changes withheld by the brake or the gate: what is open, and what a person decided.
-- A hold is open while its decision is null; open > approved | rejected | withdrawn, once.

-- name: select_open_holds
-- List the holds that wait for a person, oldest first.
-- Params: none | Rows: 0..n (hold_id, org_id, workspace_id, kind, affected, share, sample_ids, held_at)
SELECT hold_id, org_id, workspace_id, kind, affected, share, sample_ids, held_at
  FROM held_change
 WHERE decision IS NULL
 ORDER BY hold_id;

-- name: select_hold
-- Read one hold.
-- Params: hold_id bigint | Rows: 0..1 (hold_id, org_id, workspace_id, kind, affected, share, held_at, decision, decided_by, decided_at, approved_up_to)
SELECT hold_id, org_id, workspace_id, kind, affected, share, held_at, decision, decided_by, decided_at, approved_up_to
  FROM held_change
 WHERE hold_id = %(hold_id)s;

-- name: decide_hold
-- Write down a decision on an open hold; an approval covers what is affected now unless another number is given.
-- Params: hold_id bigint, decision text, decided_by text, approved_up_to bigint | Rows: 0..1 (hold_id)
UPDATE held_change
   SET decision = %(decision)s, decided_by = %(decided_by)s, decided_at = now(),
       approved_up_to = CASE WHEN %(decision)s = 'approved' THEN coalesce(%(approved_up_to)s::bigint, affected) END
 WHERE hold_id = %(hold_id)s
   AND decision IS NULL
RETURNING hold_id;
