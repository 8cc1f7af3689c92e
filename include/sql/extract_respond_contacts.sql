-- The rolling walk through a workspace's contact list, contacts asked for one by one, and which contacts are gone.
-- A walk is open until its last page; the next run goes on where it stopped. A respond_look waits while it has asked_at.

-- name: open_walk
-- Begin a walk unless one is open; return the open one, and whether none was ever finished before it.
-- Params: workspace_id text | Rows: 1 (walk_id, cursor_id, began_at, is_first)
WITH begun AS (
    INSERT INTO respond_walk (workspace_id, began_at)
    VALUES (%(workspace_id)s, now())
    ON CONFLICT (workspace_id) WHERE finished_at IS NULL DO NOTHING
    RETURNING walk_id, cursor_id, began_at
), open AS (
    SELECT walk_id, cursor_id, began_at FROM begun
     UNION ALL
    SELECT walk_id, cursor_id, began_at
      FROM respond_walk
     WHERE workspace_id = %(workspace_id)s
       AND finished_at IS NULL
       AND NOT EXISTS (SELECT FROM begun)
)
SELECT walk_id, cursor_id, began_at,
       NOT EXISTS (SELECT FROM respond_walk f
                    WHERE f.workspace_id = %(workspace_id)s AND f.finished_at IS NOT NULL) AS is_first
  FROM open;

-- name: upsert_respond_contacts
-- Write contacts whose content is news; equal content touches nothing, and a lagging list page yields to a fresh reading.
-- Params: workspace_id text, contacts json, written_by text, our_tag text | Rows: none
WITH found AS (
    SELECT w.workspace_id, w.org_id, c.respond_id, c.first_name, c.last_name, c.email, c.phone, c.country, c.payload, c.created_at,
           sha256(convert_to(jsonb_build_array(
               c.first_name, c.last_name, c.email, c.phone, c.country, c.tags ? %(our_tag)s)::text, 'UTF8')) AS content_hash
      FROM workspace w
     CROSS JOIN jsonb_to_recordset(%(contacts)s::jsonb) AS c (
           respond_id bigint, first_name text, last_name text, email text, phone text, country text, tags jsonb,
           created_at timestamptz, payload jsonb)
     WHERE w.workspace_id = %(workspace_id)s
)
INSERT INTO respond_contact AS mirror (
       workspace_id, respond_id, org_id, first_name, last_name, email, phone, country, payload, created_at,
       content_hash, seen_at, written_by)
SELECT f.workspace_id, f.respond_id, f.org_id, f.first_name, f.last_name, f.email, f.phone, f.country, f.payload, f.created_at,
       f.content_hash, now(), %(written_by)s
  FROM found f
 -- ON CONFLICT would lock, and so rewrite, every row it meets
 WHERE NOT EXISTS (
       SELECT FROM respond_contact m
        WHERE m.workspace_id = f.workspace_id AND m.respond_id = f.respond_id AND m.content_hash = f.content_hash
          AND m.gone_at IS NULL AND m.org_id IS NOT DISTINCT FROM f.org_id)
ON CONFLICT (workspace_id, respond_id) DO UPDATE
   SET (org_id, first_name, last_name, email, phone, country, payload, created_at, content_hash, seen_at, written_by, gone_at)
     = (excluded.org_id, excluded.first_name, excluded.last_name, excluded.email, excluded.phone, excluded.country,
        excluded.payload, excluded.created_at, excluded.content_hash, excluded.seen_at, excluded.written_by, NULL)
       -- another org: the row was landing in the moment its workspace was connected or disconnected
 WHERE (mirror.content_hash <> excluded.content_hash OR mirror.gone_at IS NOT NULL OR mirror.org_id IS DISTINCT FROM excluded.org_id)
   AND NOT (excluded.written_by = 'walk' AND mirror.written_by <> 'walk' AND mirror.seen_at > now() - interval '120 seconds');

-- name: insert_quarantined_contact
-- Keep a contact that could not be stored, once, with the reason; it is tried again by each walk.
-- Params: workspace_id text, respond_id bigint, raw text, reason text | Rows: none
INSERT INTO quarantined_row (org_id, workspace_id, respond_id, raw, reason)
SELECT org_id, workspace_id, %(respond_id)s, %(raw)s, %(reason)s
  FROM workspace
 WHERE workspace_id = %(workspace_id)s
ON CONFLICT DO NOTHING;

-- name: resolve_quarantined_contacts
-- Mark quarantined contacts as resolved that could be stored since.
-- Params: workspace_id text, respond_ids bigint[] | Rows: none
UPDATE quarantined_row
   SET resolved_at = now()
 WHERE workspace_id = %(workspace_id)s
   AND respond_id = ANY (%(respond_ids)s::bigint[])
   AND resolved_at IS NULL;

-- name: insert_walk_seen
-- Remember which contacts a walk met.
-- Params: walk_id bigint, respond_ids bigint[] | Rows: none
INSERT INTO respond_walk_seen (walk_id, respond_id)
SELECT %(walk_id)s, respond_id
  FROM unnest(%(respond_ids)s::bigint[]) AS respond_id
ON CONFLICT DO NOTHING;

-- name: advance_walk
-- Note a page of the walk; without a next page the walk is finished, and stays so.
-- Params: walk_id bigint, cursor_id bigint, contacts bigint | Rows: none
UPDATE respond_walk
   SET cursor_id = %(cursor_id)s,
       pages = pages + 1,
       contacts = contacts + %(contacts)s,
       finished_at = CASE WHEN %(cursor_id)s::bigint IS NULL THEN now() END
 WHERE walk_id = %(walk_id)s
   AND finished_at IS NULL;

-- name: select_absent_contacts
-- List contacts that the last two finished walks, both begun 120 s after the contact was seen, did not meet.
-- One that answered for itself in the last hour is left out: a list that forgets it must not hide those after it.
-- Params: workspace_id text, batch_size int | Rows: 0..batch_size (respond_id)
WITH last_two AS (
    SELECT walk_id, began_at
      FROM respond_walk
     WHERE workspace_id = %(workspace_id)s
       AND finished_at IS NOT NULL
     ORDER BY walk_id DESC
     LIMIT 2
)
SELECT c.respond_id
  FROM respond_contact c
 WHERE c.workspace_id = %(workspace_id)s
   AND c.gone_at IS NULL
   AND (SELECT count(*) FROM last_two WHERE began_at >= c.seen_at + interval '120 seconds') = 2
   AND NOT EXISTS (
       SELECT FROM respond_walk_seen s JOIN last_two l USING (walk_id)
        WHERE s.respond_id = c.respond_id)
   AND NOT EXISTS (
       SELECT FROM respond_look k
        WHERE k.workspace_id = c.workspace_id AND k.respond_id = c.respond_id AND k.answered_at > now() - interval '1 hour')
 ORDER BY c.respond_id
 LIMIT %(batch_size)s;

-- name: mark_contacts_gone
-- Mark contacts as gone that also answered 404.
-- Params: workspace_id text, respond_ids bigint[] | Rows: none
UPDATE respond_contact
   SET gone_at = now()
 WHERE workspace_id = %(workspace_id)s
   AND respond_id = ANY (%(respond_ids)s::bigint[]);

-- name: delete_old_walks
-- Forget walks before the last two, and what they met.
-- Params: workspace_id text | Rows: none
WITH old AS (
    DELETE FROM respond_walk
     WHERE workspace_id = %(workspace_id)s
       AND walk_id <= (SELECT walk_id FROM respond_walk
                        WHERE workspace_id = %(workspace_id)s AND finished_at IS NOT NULL
                        ORDER BY walk_id DESC OFFSET 2 LIMIT 1)
    RETURNING walk_id
)
DELETE FROM respond_walk_seen
 WHERE walk_id IN (SELECT walk_id FROM old);

-- name: select_looks
-- List contacts that an agent opened and that wait for a call of their own, longest wait first.
-- Params: workspace_id text, batch_size int | Rows: 0..batch_size (respond_id)
SELECT respond_id
  FROM respond_look
 WHERE workspace_id = %(workspace_id)s
   AND asked_at IS NOT NULL
 ORDER BY asked_at, respond_id
 LIMIT %(batch_size)s;

-- name: settle_looks
-- Note that respond.io answered for contacts one by one; whoever opened them waits no longer.
-- Params: workspace_id text, respond_ids bigint[] | Rows: none
INSERT INTO respond_look (workspace_id, respond_id, answered_at)
SELECT %(workspace_id)s, respond_id, now()
  FROM unnest(%(respond_ids)s::bigint[]) AS respond_id
 ORDER BY respond_id
ON CONFLICT (workspace_id, respond_id) DO UPDATE
   SET asked_at = NULL, answered_at = excluded.answered_at;

-- name: delete_old_looks
-- Forget answers older than a day.
-- Params: workspace_id text | Rows: none
DELETE FROM respond_look
 WHERE workspace_id = %(workspace_id)s
   AND asked_at IS NULL
   AND answered_at < now() - interval '1 day';

-- name: select_search_for_new
-- Tell since when contacts may be new, if the open walk is older than every_seconds and nobody asked for so long.
-- Params: workspace_id text, every_seconds float | Rows: 0..1 (walk_id, since)
WITH sought AS (
    SELECT max(sought_new_at) AS sought_new_at, min(began_at) AS began_at
      FROM respond_walk
     WHERE workspace_id = %(workspace_id)s
)
-- five minutes: the list lags creations, and clocks differ
SELECT w.walk_id, coalesce(s.sought_new_at, s.began_at) - interval '5 minutes' AS since
  FROM respond_walk w
 CROSS JOIN sought s
 WHERE w.workspace_id = %(workspace_id)s
   AND w.finished_at IS NULL
   AND greatest(w.began_at, s.sought_new_at) < now() - make_interval(secs => %(every_seconds)s);

-- name: mark_sought_new
-- Note that all contacts created before a moment were asked for.
-- Params: walk_id bigint, sought_new_at timestamptz | Rows: none
UPDATE respond_walk
   SET sought_new_at = %(sought_new_at)s
 WHERE walk_id = %(walk_id)s;

-- name: count_unmatched_news
-- Count the contacts of a workspace whose news still wait to be normalized and matched.
-- Params: workspace_id text | Rows: 1 (contacts)
SELECT count(*) AS contacts
  FROM pending_change p
  JOIN workspace w ON w.org_id = p.org_id AND w.workspace_id = p.workspace_id
 WHERE p.workspace_id = %(workspace_id)s
   AND p.entity = 'respond_contact';
