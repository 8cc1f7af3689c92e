-- Audits of the mirror against Salesforce: the last minutes by count, what has settled by Id and stamp, deletions by their log.
-- salesforce_org.settled_until: below it no transaction is open in Salesforce, and the mirror was compared; it only moves on.

-- name: count_mirrored_since
-- Count the contacts that Salesforce would count at or after a stamp.
-- Params: org_id text, since timestamptz | Rows: 1 (contacts)
SELECT count(*) AS contacts
  FROM salesforce_contact
 WHERE org_id = %(org_id)s
   AND system_modstamp >= %(since)s
   AND presence IN ('live', 'deleted');

-- name: select_late_ids
-- Of the ids and stamps that Salesforce lists, select those that the mirror lacks or holds at an older stamp.
-- Params: org_id text, ids text[], stamps timestamptz[] | Rows: 0..n (salesforce_id)
SELECT listed.salesforce_id
  FROM unnest(%(ids)s::text[], %(stamps)s::timestamptz[]) AS listed (salesforce_id, stamp)
  LEFT JOIN salesforce_contact c ON c.org_id = %(org_id)s AND c.salesforce_id = listed.salesforce_id
 WHERE (c.salesforce_id IS NULL OR c.system_modstamp < listed.stamp)
   AND NOT EXISTS (
       SELECT FROM quarantined_row q
        WHERE q.org_id = %(org_id)s AND q.salesforce_id = listed.salesforce_id AND q.resolved_at IS NULL)
 ORDER BY listed.salesforce_id;

-- name: select_missing_winners
-- List winners of merges that the mirror has never seen and that were not asked for in the last day.
-- Params: org_id text, batch_size int | Rows: 0..batch_size (salesforce_id)
SELECT DISTINCT l.master_record_id AS salesforce_id
  FROM salesforce_contact l
 WHERE l.org_id = %(org_id)s
   AND l.master_record_id IS NOT NULL
   AND NOT EXISTS (
       SELECT FROM salesforce_contact w
        WHERE w.org_id = l.org_id AND w.salesforce_id = l.master_record_id)
   -- one that Salesforce does not show must not keep others from being asked for
   AND NOT EXISTS (
       SELECT FROM absent_winner a
        WHERE a.org_id = l.org_id AND a.salesforce_id = l.master_record_id AND a.asked_at > now() - interval '1 day')
 ORDER BY salesforce_id
 LIMIT %(batch_size)s;

-- name: remember_absent_winners
-- Remember which winners were asked for and are still not there; forget those that are.
-- Params: org_id text, ids text[] | Rows: none
WITH arrived AS (
    DELETE FROM absent_winner a
     USING salesforce_contact c
     WHERE a.org_id = %(org_id)s AND c.org_id = a.org_id AND c.salesforce_id = a.salesforce_id
)
INSERT INTO absent_winner (org_id, salesforce_id)
SELECT %(org_id)s, asked.id
  FROM unnest(%(ids)s::text[]) AS asked (id)
 WHERE NOT EXISTS (
       SELECT FROM salesforce_contact c WHERE c.org_id = %(org_id)s AND c.salesforce_id = asked.id)
ON CONFLICT (org_id, salesforce_id) DO UPDATE SET asked_at = now();

-- name: add_late_rows
-- Count rows that an audit found.
-- Params: window_id bigint, rows_late bigint, api_calls bigint | Rows: none
UPDATE extract_window
   SET rows_late = rows_late + %(rows_late)s, api_calls = api_calls + %(api_calls)s
 WHERE window_id = %(window_id)s;

-- name: select_logs_due
-- Tell which of Salesforce's logs is to be asked now: each is at most every five minutes.
-- Params: org_id text | Rows: 1 (is_settling_due, is_deleting_due, is_deleting_next)
SELECT coalesce(settled_asked_at <= now() - interval '5 minutes', true) AS is_settling_due,
       coalesce(deletes_asked_at <= now() - interval '5 minutes', true) AS is_deleting_due,
       -- of two that are due, the one that waits for longer
       coalesce(deletes_asked_at, '-infinity') < coalesce(settled_asked_at, '-infinity') AS is_deleting_next
  FROM salesforce_org
 WHERE org_id = %(org_id)s;

-- name: begin_settling
-- Note that Salesforce is asked how far it is settled; the first time, an hour before the first reading is taken as settled.
-- Params: org_id text | Rows: 1 (settled_until)
UPDATE salesforce_org
   SET settled_asked_at = now(),
       -- no transaction of Salesforce lasts so long
       settled_until = coalesce(settled_until, (
           SELECT min(w.read_until) - interval '1 hour' FROM proven_window w
            WHERE w.org_id = %(org_id)s AND w.kind IN ('initial', 'incremental')))
 WHERE org_id = %(org_id)s
RETURNING settled_until;

-- name: move_settled
-- Move on the stamp below which the mirror was compared.
-- Params: org_id text, settled_until timestamptz | Rows: none
UPDATE salesforce_org
   SET settled_until = greatest(settled_until, %(settled_until)s), settled_detail = NULL
 WHERE org_id = %(org_id)s;

-- name: note_unsettled
-- Say why settled_until stands still; reading goes on.
-- Params: org_id text, detail text | Rows: none
UPDATE salesforce_org
   SET settled_detail = %(detail)s
 WHERE org_id = %(org_id)s;

-- name: begin_deleting
-- Note that the log of deletions is asked for; the first time, from an hour before the first reading.
-- Params: org_id text | Rows: 1 (deletes_until, deletes_through, deletes_after_id)
UPDATE salesforce_org
   SET deletes_asked_at = now(),
       deletes_until = coalesce(deletes_until, (
           SELECT min(w.read_until) - interval '1 hour' FROM proven_window w
            WHERE w.org_id = %(org_id)s AND w.kind IN ('initial', 'incremental')))
 WHERE org_id = %(org_id)s
RETURNING deletes_until, deletes_through, deletes_after_id;

-- name: move_deletes
-- Move on the time up to which the log of deletions was read.
-- Params: org_id text, deletes_until timestamptz | Rows: none
UPDATE salesforce_org
   SET deletes_until = greatest(deletes_until, %(deletes_until)s), deletes_through = NULL, deletes_after_id = NULL
 WHERE org_id = %(org_id)s;

-- name: keep_deletes_open
-- Note how far a range of the log of deletions was read that has more contacts than a run asks for.
-- Params: org_id text, deletes_through timestamptz, after_id text | Rows: none
UPDATE salesforce_org
   SET deletes_through = %(deletes_through)s, deletes_after_id = %(after_id)s
 WHERE org_id = %(org_id)s;

-- name: select_undeleted_ids
-- Of the ids in the log of deletions, select the next that the mirror does not hold as gone; a null after_id begins.
-- Params: org_id text, ids text[], after_id text, batch_size int | Rows: 0..batch_size (salesforce_id)
SELECT salesforce_id
  FROM salesforce_contact
 WHERE org_id = %(org_id)s
   AND salesforce_id = ANY (%(ids)s::text[])
   AND presence IN ('live', 'not_visible')
   AND (%(after_id)s::salesforce_id IS NULL OR salesforce_id > %(after_id)s::salesforce_id)
 ORDER BY salesforce_id
 LIMIT %(batch_size)s;

-- name: mark_vanished_as_purged
-- Mark contacts as purged that the log names and that Salesforce does not show any more, not even as deleted.
-- Params: org_id text, ids text[], asked_at timestamptz | Rows: none
UPDATE salesforce_contact
   SET presence = 'purged', read_at = %(asked_at)s, extracted_at = now()
 WHERE org_id = %(org_id)s
   AND salesforce_id = ANY (%(ids)s::text[])
   AND presence IN ('live', 'not_visible')
   AND read_at <= %(asked_at)s;

-- name: split_window
-- Put two planned halves in a window's place; none if its range is too narrow.
-- Params: window_id bigint, earliest timestamptz, detail text | Rows: 0..2 (window_id, read_from, read_before, read_until)
WITH range AS (
    SELECT window_id, org_id, kind, fields, is_big, read_from, read_before,
           -- null for news, whose read_until is the clock of their reading
           CASE WHEN kind = 'backfill' OR read_before IS NOT NULL THEN read_until END AS bound,
           coalesce(read_from, %(earliest)s) AS low,
           coalesce(read_before, CASE WHEN kind = 'backfill' THEN read_until END, now()) AS high
      FROM extract_window
     WHERE window_id = %(window_id)s
), parent AS (
    UPDATE extract_window w
       SET status = 'split', detail = %(detail)s, finished_at = NULL
      FROM range r
     WHERE w.window_id = r.window_id
       AND r.high - r.low >= interval '2 seconds'
    RETURNING r.window_id, r.org_id, r.kind, r.fields, r.is_big, r.read_from, r.read_before, r.bound,
              date_trunc('second', r.low + (r.high - r.low) / 2) AS middle
)
INSERT INTO extract_window (org_id, kind, read_from, read_before, read_until, fields, status, is_big, split_from)
SELECT p.org_id, p.kind, h.read_from, h.read_before, h.read_until, p.fields, 'planned', p.is_big, p.window_id
  FROM parent p
 CROSS JOIN LATERAL (
       VALUES (1, p.read_from, p.middle, p.middle), (2, p.middle, p.read_before, p.bound)
       ) AS h (place, read_from, read_before, read_until)
 ORDER BY h.place
RETURNING window_id, read_from, read_before, read_until;

-- name: start_half
-- Begin to read one half of a window.
-- Params: window_id bigint | Rows: none
UPDATE extract_window
   SET status = 'running', started_at = now(), heartbeat_at = now()
 WHERE window_id = %(window_id)s;

-- name: select_settled_until
-- Read how far an org is settled, and the database's clock.
-- Params: org_id text | Rows: 0..1 (settled_until, settled_detail, asked_at)
SELECT settled_until, settled_detail, now() AS asked_at
  FROM salesforce_org
 WHERE org_id = %(org_id)s;

-- name: count_mirrored_between
-- Count the mirror's contacts in a range of stamps, as Salesforce would; a null low is open.
-- Params: org_id text, low timestamptz, high timestamptz | Rows: 1 (live, deleted)
SELECT count(*) FILTER (WHERE presence = 'live') AS live,
       count(*) FILTER (WHERE presence = 'deleted') AS deleted
  FROM salesforce_contact
 WHERE org_id = %(org_id)s
   AND (%(low)s::timestamptz IS NULL OR system_modstamp >= %(low)s)
   AND system_modstamp < %(high)s;

-- name: count_unlisted
-- Count the mirror's contacts in a range of stamps that are not among the listed ids.
-- Params: org_id text, low timestamptz, high timestamptz, ids text[] | Rows: 1 (contacts)
SELECT count(*) AS contacts
  FROM salesforce_contact c
  LEFT JOIN unnest(%(ids)s::text[]) AS listed (salesforce_id) USING (salesforce_id)
 WHERE c.org_id = %(org_id)s
   AND (%(low)s::timestamptz IS NULL OR c.system_modstamp >= %(low)s)
   AND c.system_modstamp < %(high)s
   AND c.presence IN ('live', 'deleted')
   AND listed.salesforce_id IS NULL;

-- name: select_unmirrored
-- Of the ids and stamps that Salesforce lists, select those that the mirror lacks or holds at an older stamp, and say why.
-- Params: org_id text, ids text[], stamps timestamptz[] | Rows: 0..n (salesforce_id, is_there, is_quarantined)
SELECT listed.salesforce_id, c.salesforce_id IS NOT NULL AS is_there,
       EXISTS (SELECT FROM quarantined_row q
                WHERE q.org_id = %(org_id)s AND q.salesforce_id = listed.salesforce_id AND q.resolved_at IS NULL) AS is_quarantined
  FROM unnest(%(ids)s::text[], %(stamps)s::timestamptz[]) AS listed (salesforce_id, stamp)
  LEFT JOIN salesforce_contact c ON c.org_id = %(org_id)s AND c.salesforce_id = listed.salesforce_id
 WHERE c.salesforce_id IS NULL
    OR c.system_modstamp < listed.stamp;
