-- The mass-change brake: what a run would take away from a workspace is counted before it is written.
-- held_contact: these keep their match or the values they would lose, until an approval, or until they lose nothing any more.

-- name: create_brake_tables
-- Make the working table, once a session; it is empty again after each transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS losing_contact (workspace_id text, respond_id bigint, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DELETE ROWS;

-- name: delete_losing_contacts
-- Empty the working table.
-- Params: none | Rows: none
DELETE FROM losing_contact;

-- name: insert_unmatched_contacts
-- List who would lose the match; what a person decided is no loss.
-- Params: org_id text | Rows: none
INSERT INTO losing_contact (workspace_id, respond_id)
SELECT v.workspace_id, v.respond_id
  FROM verdict v
  JOIN contact_match m ON m.org_id = %(org_id)s AND m.workspace_id = v.workspace_id AND m.respond_id = v.respond_id
 WHERE v.status <> 'matched'
   AND v.rule IS DISTINCT FROM 'decided_nobody';

-- name: select_unmatch_losses
-- Count per workspace concerned what would be lost, held contacts that this run does not look at included.
-- Params: org_id text | Rows: 0..n (workspace_id, affected, unseen, fresh, share, is_braked, sample_ids)
WITH concerned AS (
    SELECT workspace_id FROM losing_contact
     UNION
    SELECT h.workspace_id
      FROM held_contact h
      JOIN verdict v ON v.workspace_id = h.workspace_id AND v.respond_id = h.respond_id
     WHERE h.org_id = %(org_id)s AND h.kind = 'unmatch'
     UNION
    -- all that it held are gone
    SELECT workspace_id FROM held_change f
     WHERE f.org_id = %(org_id)s AND f.kind = 'unmatch' AND f.ended_at IS NULL
       AND NOT EXISTS (SELECT FROM held_contact h WHERE h.workspace_id = f.workspace_id AND h.kind = f.kind)
), lost AS (
    SELECT c.workspace_id, l.respond_id, false AS is_unseen, h.respond_id IS NULL AS is_fresh
      FROM concerned c
      JOIN losing_contact l USING (workspace_id)
      LEFT JOIN held_contact h ON h.workspace_id = l.workspace_id AND h.respond_id = l.respond_id AND h.kind = 'unmatch'
     UNION ALL
    SELECT c.workspace_id, h.respond_id, true, false
      FROM concerned c
      JOIN held_contact h ON h.workspace_id = c.workspace_id AND h.kind = 'unmatch'
     WHERE NOT EXISTS (SELECT FROM verdict v WHERE v.workspace_id = h.workspace_id AND v.respond_id = h.respond_id)
)
SELECT w.workspace_id, n.affected, n.unseen, n.fresh, n.affected::numeric / greatest(t.total, 1) AS share,
       n.affected > w.brake_count AND n.affected > w.brake_share * t.total AS is_braked, n.sample_ids
  FROM concerned c
  JOIN workspace w USING (workspace_id)
 CROSS JOIN LATERAL (
       SELECT count(*) AS affected, count(*) FILTER (WHERE is_unseen) AS unseen, count(*) FILTER (WHERE is_fresh) AS fresh,
              (array_agg(respond_id::text ORDER BY respond_id))[1:20] AS sample_ids
         FROM lost l WHERE l.workspace_id = c.workspace_id) AS n
 CROSS JOIN LATERAL (
       SELECT count(*) AS total
         -- it need not count further than to where the loss is a small share
         FROM (SELECT FROM contact_match m WHERE m.workspace_id = c.workspace_id
                LIMIT CASE WHEN n.affected <= w.brake_count THEN 0 ELSE ceil(n.affected / nullif(w.brake_share, 0)) + 1 END) AS counted) AS t
 ORDER BY w.workspace_id;

-- name: insert_held_contacts
-- Withhold what a workspace would lose.
-- Params: org_id text, workspace_id text, kind text | Rows: none
INSERT INTO held_contact (org_id, workspace_id, kind, respond_id)
SELECT %(org_id)s, workspace_id, %(kind)s, respond_id
  FROM losing_contact
 WHERE workspace_id = %(workspace_id)s
ON CONFLICT DO NOTHING;

-- name: delete_regained_matches
-- Let go of held contacts that this run finds matched after all.
-- Params: org_id text | Rows: none
DELETE FROM held_contact h
 USING verdict v
 WHERE h.org_id = %(org_id)s
   AND h.kind = 'unmatch'
   AND v.workspace_id = h.workspace_id
   AND v.respond_id = h.respond_id
   AND NOT EXISTS (SELECT FROM losing_contact l WHERE l.workspace_id = h.workspace_id AND l.respond_id = h.respond_id);

-- name: delete_withheld_verdicts
-- Leave the withheld contacts of a workspace as they are.
-- Params: workspace_id text | Rows: none
DELETE FROM verdict v
 USING losing_contact l
 WHERE l.workspace_id = %(workspace_id)s
   AND v.workspace_id = l.workspace_id
   AND v.respond_id = l.respond_id;

-- name: feed_released_matches
-- Have held contacts that this run did not look at matched by the next.
-- Params: org_id text, workspace_id text | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT h.org_id, h.workspace_id, 'respond_key', h.respond_id::text
  FROM held_contact h
 WHERE h.org_id = %(org_id)s
   AND h.workspace_id = %(workspace_id)s
   AND h.kind = 'unmatch'
   AND NOT EXISTS (SELECT FROM verdict v WHERE v.workspace_id = h.workspace_id AND v.respond_id = h.respond_id);

-- name: delete_held_contacts
-- Let go of what was held of a workspace.
-- Params: workspace_id text, kind text | Rows: none
DELETE FROM held_contact
 WHERE workspace_id = %(workspace_id)s
   AND kind = %(kind)s;

-- name: insert_blanked_contacts
-- List whose sidebar row would lose a value: of the rows that were compared, or of all.
-- Params: org_id text, is_broad boolean | Rows: none
INSERT INTO losing_contact (workspace_id, respond_id)
SELECT workspace_id, respond_id FROM shown_row WHERE is_blanked
 UNION ALL
SELECT w.workspace_id, b.respond_id
  FROM workspace w
 CROSS JOIN LATERAL blanked_contacts(w.workspace_id) AS b (respond_id)
 WHERE %(is_broad)s
   AND w.org_id = %(org_id)s;

-- name: select_blank_losses
-- Count per workspace concerned what would be lost, held contacts that this run does not look at included.
-- Params: org_id text, is_broad boolean | Rows: 0..n (workspace_id, affected, unseen, fresh, share, is_braked, sample_ids)
WITH seen AS (
    SELECT h.workspace_id, h.respond_id,
           %(is_broad)s OR EXISTS (SELECT FROM changed_row x WHERE x.workspace_id = h.workspace_id AND x.respond_id = h.respond_id) AS is_seen
      FROM held_contact h
     WHERE h.org_id = %(org_id)s AND h.kind = 'blank'
), concerned AS (
    SELECT workspace_id FROM losing_contact
     UNION
    SELECT workspace_id FROM seen WHERE is_seen
     UNION
    -- all that it held are gone
    SELECT workspace_id FROM held_change f
     WHERE f.org_id = %(org_id)s AND f.kind = 'blank' AND f.ended_at IS NULL
       AND NOT EXISTS (SELECT FROM seen s WHERE s.workspace_id = f.workspace_id)
), lost AS (
    SELECT c.workspace_id, l.respond_id, false AS is_unseen, s.respond_id IS NULL AS is_fresh
      FROM concerned c
      JOIN losing_contact l USING (workspace_id)
      LEFT JOIN seen s USING (workspace_id, respond_id)
     UNION ALL
    SELECT c.workspace_id, s.respond_id, true, false
      FROM concerned c JOIN seen s USING (workspace_id)
     WHERE NOT s.is_seen
)
SELECT w.workspace_id, n.affected, n.unseen, n.fresh, n.affected::numeric / greatest(t.total, 1) AS share,
       n.affected > w.brake_count AND n.affected > w.brake_share * t.total AS is_braked, n.sample_ids
  FROM concerned c
  JOIN workspace w USING (workspace_id)
 CROSS JOIN LATERAL (
       SELECT count(*) AS affected, count(*) FILTER (WHERE is_unseen) AS unseen, count(*) FILTER (WHERE is_fresh) AS fresh,
              (array_agg(respond_id::text ORDER BY respond_id))[1:20] AS sample_ids
         FROM lost l WHERE l.workspace_id = c.workspace_id) AS n
 CROSS JOIN LATERAL (
       SELECT count(*) AS total
         -- it need not count further than to where the loss is a small share
         FROM (SELECT FROM sidebar_fields s WHERE s.workspace_id = c.workspace_id
                LIMIT CASE WHEN n.affected <= w.brake_count THEN 0 ELSE ceil(n.affected / nullif(w.brake_share, 0)) + 1 END) AS counted) AS t
 ORDER BY w.workspace_id;

-- name: delete_regained_values
-- Let go of held contacts whose row loses nothing any more.
-- Params: org_id text, is_broad boolean | Rows: none
DELETE FROM held_contact h
 WHERE h.org_id = %(org_id)s
   AND h.kind = 'blank'
   AND (%(is_broad)s OR EXISTS (SELECT FROM changed_row x WHERE x.workspace_id = h.workspace_id AND x.respond_id = h.respond_id))
   AND NOT EXISTS (SELECT FROM losing_contact l WHERE l.workspace_id = h.workspace_id AND l.respond_id = h.respond_id);

-- name: feed_released_values
-- Have held rows that this run did not look at written by the next.
-- Params: org_id text, workspace_id text | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT h.org_id, h.workspace_id, 'sidebar_row', h.respond_id::text
  FROM held_contact h
 WHERE h.org_id = %(org_id)s
   AND h.workspace_id = %(workspace_id)s
   AND h.kind = 'blank'
   AND NOT EXISTS (SELECT FROM changed_row x WHERE x.workspace_id = h.workspace_id AND x.respond_id = h.respond_id);

-- name: are_rows_held
-- Tell whether rows of the org are held.
-- Params: org_id text | Rows: 1 (are_held)
SELECT EXISTS (SELECT FROM held_contact WHERE org_id = %(org_id)s AND kind = 'blank') AS are_held;

-- name: insert_all_rows
-- Where everybody is looked at and some are held, list everybody: the held ones are taken off next.
-- Params: org_id text | Rows: none
INSERT INTO changed_row (workspace_id, respond_id)
SELECT workspace_id, respond_id FROM contact_match WHERE org_id = %(org_id)s
 UNION
SELECT workspace_id, respond_id FROM sidebar_fields WHERE org_id = %(org_id)s
 UNION
SELECT workspace_id, respond_id FROM match_issue WHERE org_id = %(org_id)s AND status = 'ambiguous'
ON CONFLICT DO NOTHING;

-- name: write_held_rows
-- Write what is new of the held rows beside the values that they would lose, one workspace after the other.
-- Params: org_id text | Rows: 1 (written)
SELECT coalesce(sum(write_held_rows(w.workspace_id)), 0)::bigint AS written
  FROM workspace w
 WHERE w.org_id = %(org_id)s
   AND EXISTS (SELECT FROM held_contact h WHERE h.workspace_id = w.workspace_id AND h.kind = 'blank');

-- name: delete_held_rows
-- Take the held rows off the lists: nothing else of them is written.
-- Params: org_id text | Rows: none
WITH listed AS (
    DELETE FROM shown_row x
     USING held_contact h
     WHERE h.org_id = %(org_id)s
       AND h.kind = 'blank'
       AND h.workspace_id = x.workspace_id
       AND h.respond_id = x.respond_id
)
DELETE FROM changed_row x
 USING held_contact h
 WHERE h.org_id = %(org_id)s
   AND h.kind = 'blank'
   AND h.workspace_id = x.workspace_id
   AND h.respond_id = x.respond_id;
