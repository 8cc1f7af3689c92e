-- Big windows by Bulk API 2.0: one job each, its results merged set by set, three side by side, then proven like any window.
-- planned | deferred > running > proven | short (read again) | failed | deferred; an expired job puts the window back to planned.

-- name: list_orgs_with_big_windows
-- List the connected orgs with big windows to read.
-- Params: none | Rows: 0..n (org_id)
SELECT DISTINCT w.org_id
  FROM extract_window w
  JOIN salesforce_org o USING (org_id)
 WHERE w.is_big
   AND w.status IN ('planned', 'running', 'deferred')
   AND o.disconnected_at IS NULL
 ORDER BY w.org_id;

-- name: plan_window
-- Leave a window that turned out big to the loading DAG.
-- Params: window_id bigint, rows_reported bigint | Rows: none
UPDATE extract_window
   SET status = 'planned', is_big = true, rows_reported = %(rows_reported)s, started_at = NULL, heartbeat_at = NULL
 WHERE window_id = %(window_id)s;

-- name: has_big_news
-- Tell whether a big window that moves the watermark is still to be read.
-- Params: org_id text | Rows: 1 (is_open)
SELECT EXISTS (
       SELECT FROM extract_window
        WHERE org_id = %(org_id)s
          AND is_big
          AND kind IN ('initial', 'incremental')
          AND status IN ('planned', 'running', 'deferred')) AS is_open;

-- name: has_big_refill
-- Tell whether a big refill of newly chosen fields is still to be read.
-- Params: org_id text | Rows: 1 (is_open)
SELECT EXISTS (
       SELECT FROM extract_window
        WHERE org_id = %(org_id)s
          AND is_big
          AND kind = 'refill'
          AND status IN ('planned', 'running', 'deferred')) AS is_open;

-- name: select_big_windows
-- List an org's big windows to read, those that move the watermark first.
-- Params: org_id text | Rows: 0..n (window_id, org_id, kind, read_from, read_until, read_before, fields, status, bulk_job_id, queried_at)
SELECT window_id, org_id, kind, read_from, read_until, read_before, fields, status, bulk_job_id, queried_at
  FROM extract_window
 WHERE org_id = %(org_id)s
   AND is_big
   AND status IN ('planned', 'running', 'deferred')
 ORDER BY kind NOT IN ('initial', 'incremental'), window_id;

-- name: start_big_window
-- Begin or go on with a big window.
-- Params: window_id bigint | Rows: none
UPDATE extract_window
   SET status = 'running', started_at = coalesce(started_at, now()), heartbeat_at = now()
 WHERE window_id = %(window_id)s;

-- name: record_bulk_job
-- Write the job down before it is waited for, with Salesforce's clock when it was made.
-- Params: window_id bigint, bulk_job_id text, queried_at timestamptz | Rows: none
WITH emptied AS (
    DELETE FROM salesforce_landing WHERE window_id = %(window_id)s
), forgotten AS (
    DELETE FROM merged_set WHERE window_id = %(window_id)s
)
UPDATE extract_window
   SET bulk_job_id = %(bulk_job_id)s, queried_at = %(queried_at)s,
       rows_reported = NULL, rows_landed = 0, rows_quarantined = 0, rows_erased = 0, heartbeat_at = now()
 WHERE window_id = %(window_id)s;

-- name: beat_window
-- Say that the window's worker is alive.
-- Params: window_id bigint | Rows: none
UPDATE extract_window
   SET heartbeat_at = now()
 WHERE window_id = %(window_id)s;

-- name: make_csv_page
-- Make the temporary table for one set of results.
-- Params: names text[] | Rows: 1
SELECT create_csv_page(%(names)s::text[]);

-- name: record_result_set
-- Note on the window what a set of results brought, in the transaction that merged it.
-- Params: window_id bigint, rows_landed bigint, rows_quarantined bigint | Rows: none
UPDATE extract_window
   SET rows_landed = rows_landed + %(rows_landed)s,
       rows_quarantined = rows_quarantined + %(rows_quarantined)s,
       api_calls = api_calls + 1,
       heartbeat_at = now()
 WHERE window_id = %(window_id)s;

-- name: select_merged_sets
-- List the sets of results that are in the mirror already.
-- Params: window_id bigint | Rows: 0..n (locator, next_locator)
SELECT locator, next_locator
  FROM merged_set
 WHERE window_id = %(window_id)s;

-- name: record_job_rows
-- Note how many rows the complete job says it found.
-- Params: window_id bigint, rows_reported bigint | Rows: none
UPDATE extract_window
   SET rows_reported = %(rows_reported)s,
       -- a backfill keeps the bound it was planned with
       read_until = coalesce(read_until, queried_at)
 WHERE window_id = %(window_id)s;

-- name: replan_window
-- Read a big window again from nothing: its job is gone or did not add up.
-- Params: window_id bigint, detail text | Rows: none
WITH emptied AS (
    DELETE FROM salesforce_landing WHERE window_id = %(window_id)s
), forgotten AS (
    DELETE FROM merged_set WHERE window_id = %(window_id)s
)
UPDATE extract_window
   SET status = CASE WHEN status = 'short' THEN 'running' ELSE status END, bulk_job_id = NULL,
       rows_landed = 0, rows_quarantined = 0, rows_erased = 0, detail = %(detail)s
 WHERE window_id = %(window_id)s;

-- name: select_bulk_job
-- Read which job a big window is waiting for, if it has one.
-- Params: window_id bigint | Rows: 0..1 (bulk_job_id)
SELECT bulk_job_id
  FROM extract_window
 WHERE window_id = %(window_id)s;
