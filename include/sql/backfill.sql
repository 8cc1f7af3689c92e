-- Backfills: one planned window per day (UTC) of SystemModstamp, read by the loading stage in the backfill lane.
-- A backfill window's read_until is its exclusive upper bound, set when it is planned; it never moves the watermark.

-- name: select_backfill_bounds
-- Read what bounds a backfill: the database's clock, the watermark, and the oldest contact's stamp.
-- Params: org_id text | Rows: 1 (asked_at, watermark, oldest)
SELECT now() AS asked_at,
       (SELECT max(read_until) FROM proven_window
         WHERE org_id = %(org_id)s AND kind IN ('initial', 'incremental')) AS watermark,
       (SELECT min(system_modstamp) FROM salesforce_contact WHERE org_id = %(org_id)s) AS oldest;

-- name: plan_backfill_windows
-- Plan a window for each range that is not planned already with these fields.
-- Params: org_id text, starts timestamptz[], ends timestamptz[], fields text[] | Rows: none
INSERT INTO extract_window (org_id, kind, read_from, read_until, fields, status, is_big)
SELECT %(org_id)s, 'backfill', r.start_at, r.end_at, %(fields)s::text[], 'planned', true
  FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS r (start_at, end_at)
 WHERE NOT EXISTS (
       SELECT FROM extract_window w
        WHERE w.org_id = %(org_id)s
          AND w.kind = 'backfill'
          AND w.read_from = r.start_at
          AND w.read_until = r.end_at
          AND w.fields @> %(fields)s::text[]
          AND w.split_from IS NULL
          AND (w.status IN ('planned', 'running', 'deferred') OR (w.status = 'split' AND w.finished_at IS NULL)))
 ORDER BY r.start_at;

-- name: count_backfill_contacts
-- Count the mirror's contacts whose stamp lies in each range, in the order of the ranges.
-- Params: org_id text, starts timestamptz[], ends timestamptz[] | Rows: 0..n (contacts)
SELECT (SELECT count(*)
          FROM salesforce_contact c
         WHERE c.org_id = %(org_id)s AND c.system_modstamp >= r.start_at AND c.system_modstamp < r.end_at) AS contacts
  FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS r (start_at, end_at)
 ORDER BY r.start_at;

-- name: count_unproven_backfills
-- Count the days of a backfill whose latest window is not proven, and those of them that wait for the quota.
-- Params: org_id text, starts timestamptz[], end_at timestamptz | Rows: 1 (unproven, deferred)
SELECT count(*) FILTER (WHERE status <> 'proven') AS unproven,
       count(*) FILTER (WHERE status = 'deferred') AS deferred
  FROM (SELECT DISTINCT ON (read_from)
               -- a day too slow to be read at once is what its open parts are
               CASE WHEN status <> 'split' THEN status
                    WHEN finished_at IS NOT NULL THEN 'proven'
                    WHEN EXISTS (SELECT FROM extract_window h
                                  WHERE h.org_id = w.org_id AND h.status = 'deferred' AND h.split_from IS NOT NULL
                                    AND h.kind = 'backfill' AND h.read_from >= w.read_from AND h.read_until <= w.read_until)
                    THEN 'deferred'
                    ELSE 'split' END AS status
          FROM extract_window w
         WHERE split_from IS NULL
           AND org_id = %(org_id)s
           AND kind = 'backfill'
           AND read_from = ANY (%(starts)s::timestamptz[])
           AND read_until <= %(end_at)s
         ORDER BY read_from, window_id DESC) AS latest;

-- name: select_connected_orgs
-- List the connected orgs.
-- Params: none | Rows: 0..n (org_id)
SELECT org_id
  FROM salesforce_org
 WHERE connected_at IS NOT NULL
   AND disconnected_at IS NULL
 ORDER BY org_id;
