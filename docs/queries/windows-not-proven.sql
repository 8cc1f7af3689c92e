-- Which extractions are not proven complete, and what do they lack? Oldest first.
-- One row per window; a window split into halves counts as proven when all of its parts are.
SELECT w.org_id, w.window_id, w.kind, w.status, w.read_from, w.read_until, w.rows_reported,
       w.rows_landed + w.rows_quarantined AS rows_seen, w.rows_quarantined, w.api_calls, w.heartbeat_at, w.detail
  FROM extract_window w
 WHERE w.status NOT IN ('proven', 'split')
    OR (w.status = 'split' AND w.split_from IS NULL AND w.finished_at IS NULL)
 ORDER BY w.org_id, w.planned_at, w.window_id;
