-- Backfills: one planned window per day (UTC) of SystemModstamp, read by the loading stage in the backfill lane.
-- A backfill window's read_until is its exclusive upper bound, set when it is planned; it never moves the watermark.

-- name: select_backfill_bounds
-- Read what bounds a backfill: the database's clock, the watermark, and the oldest contact's stamp.
-- Params: org_id text | Rows: 1 (asked_at, watermark, oldest)
SELECT now() AS asked_at,
       (SELECT max(read_until) FROM proven_window
         WHERE org_id = %(org_id)s AND kind IN ('initial', 'incremental')) AS watermark,
       (SELECT min(system_modstamp) FROM salesforce_contact WHERE org_id = %(org_id)s) AS oldest;

-- name: is_backfill_unfinished
-- Tell whether a day's latest window with these fields is not proven: then the same wish means the rest, not all again.
-- Params: org_id text, starts timestamptz[], ends timestamptz[], fields text[] | Rows: 1 (is_unfinished)
SELECT coalesce(bool_or(s.status <> 'proven'), false) AS is_unfinished
  FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS r (start_at, end_at)
 CROSS JOIN LATERAL latest_backfill(%(org_id)s, r.start_at, r.end_at, %(fields)s::text[]) AS w (window_id)
 CROSS JOIN LATERAL window_state(w.window_id) AS s;

-- name: plan_backfill_windows
-- Plan a window for each range that is not planned already with these fields; with the rest only, for none that is proven.
-- Params: org_id text, starts timestamptz[], ends timestamptz[], fields text[], is_rest boolean | Rows: none
INSERT INTO extract_window (org_id, kind, read_from, read_until, fields, status, is_big)
SELECT %(org_id)s, 'backfill', r.start_at, r.end_at, %(fields)s::text[], 'planned', true
  FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS r (start_at, end_at)
  LEFT JOIN LATERAL latest_backfill(%(org_id)s, r.start_at, r.end_at, %(fields)s::text[]) AS w (window_id) ON true
  LEFT JOIN LATERAL window_state(w.window_id) AS s ON true
 WHERE s.status IS NULL
    OR s.status = 'failed'
    OR (s.status = 'proven' AND NOT %(is_rest)s)
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
-- Count the days of a backfill whose latest window is not proven, those that wait for the quota and those that failed, with why.
-- Params: org_id text, starts timestamptz[], end_at timestamptz | Rows: 1 (unproven, deferred, failed, detail)
SELECT count(*) FILTER (WHERE s.status <> 'proven') AS unproven,
       count(*) FILTER (WHERE s.status = 'deferred') AS deferred,
       count(*) FILTER (WHERE s.status = 'failed') AS failed,
       min(s.detail) FILTER (WHERE s.status = 'failed') AS detail
  FROM (SELECT DISTINCT ON (read_from) window_id
          FROM extract_window
         WHERE split_from IS NULL
           AND org_id = %(org_id)s
           AND kind = 'backfill'
           AND read_from = ANY (%(starts)s::timestamptz[])
           AND read_until <= %(end_at)s
         ORDER BY read_from, window_id DESC) AS latest
 CROSS JOIN LATERAL window_state(latest.window_id) AS s;

-- name: select_connected_orgs
-- List the connected orgs.
-- Params: none | Rows: 0..n (org_id)
SELECT org_id
  FROM salesforce_org
 WHERE connected_at IS NOT NULL
   AND disconnected_at IS NULL
 ORDER BY org_id;
