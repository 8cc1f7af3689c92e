-- Two hands: what the feed says of some thousand contacts is worked off in two transactions side by side, half of the contacts in each.
-- The first claims and commits last; a contact is in the hand that its id tells, so neither waits for a row of the other.

-- name: deal_changes
-- Deal out what waits on the feed to two hands; one is enough for few contacts, and where the brake holds something.
-- Params: org_id text, entities text[], kind text, least bigint, hands int | Rows: 0..2 (change_ids)
WITH waiting AS (
    SELECT change_id, coalesce(cardinality(entity_ids), 1) AS contacts
      FROM pending_change
     WHERE org_id = %(org_id)s
       AND entity = ANY (%(entities)s::text[])
), hand AS (
    SELECT CASE WHEN (SELECT sum(contacts) FROM waiting) < %(least)s
                  OR EXISTS (SELECT FROM held_contact WHERE org_id = %(org_id)s AND kind = %(kind)s)
                  OR EXISTS (SELECT FROM held_change WHERE org_id = %(org_id)s AND kind = %(kind)s AND ended_at IS NULL)
                THEN 1 ELSE %(hands)s END AS hands
)
SELECT array_agg(d.change_id ORDER BY d.change_id) AS change_ids
  -- by turns: changes of a kind, which are as much work, stand together
  FROM (SELECT w.change_id, mod(row_number() OVER (ORDER BY w.change_id), hand.hands) AS number
          FROM waiting w
         CROSS JOIN hand) AS d
 GROUP BY d.number
 ORDER BY d.number;

-- name: claim_changes
-- Take changes off the feed, once all that they concern is listed.
-- Params: change_ids bigint[] | Rows: none
DELETE FROM pending_change
 WHERE change_id = ANY (%(change_ids)s::bigint[]);

-- name: limit_patience
-- Let neither hand wait for a row longer than it takes to do everything alone: who has it may wait for the other hand, and the server knows not.
-- Params: none | Rows: none
SET LOCAL lock_timeout = '2s';

-- name: create_handed_contacts
-- Make the working table of contacts that a hand got from the other, once a session; it is empty again after each transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS handed_contact (workspace_id text, respond_id bigint) ON COMMIT DELETE ROWS;

-- name: hand_over_affected_contacts
-- Give up the affected contacts that are the other hand's; ids that differ in their last bits only share pages and stay together.
-- Params: hand int, bits int | Rows: 0..n (workspace_id, respond_id)
DELETE FROM affected_contact
 WHERE ((respond_id >> %(bits)s) & 1) <> %(hand)s
RETURNING workspace_id, respond_id;

-- name: take_affected_contacts
-- Add the affected contacts that the other hand gave up.
-- Params: none | Rows: none
INSERT INTO affected_contact (workspace_id, respond_id)
SELECT workspace_id, respond_id FROM handed_contact
ON CONFLICT DO NOTHING;

-- name: hand_over_changed_rows
-- Give up the changed rows that are the other hand's.
-- Params: hand int, bits int | Rows: 0..n (workspace_id, respond_id)
DELETE FROM changed_row
 WHERE ((respond_id >> %(bits)s) & 1) <> %(hand)s
RETURNING workspace_id, respond_id;

-- name: take_changed_rows
-- Add the changed rows that the other hand gave up.
-- Params: none | Rows: none
INSERT INTO changed_row (workspace_id, respond_id)
SELECT workspace_id, respond_id FROM handed_contact
ON CONFLICT DO NOTHING;

-- name: list_losing_contacts
-- List who would lose something by this hand.
-- Params: none | Rows: 0..n (workspace_id, respond_id)
SELECT workspace_id, respond_id
  FROM losing_contact;
