-- What a window that was split came to, so that a backfill can tell a day whose part failed from one that is still read.

CREATE FUNCTION window_state(asked bigint) RETURNS TABLE (status text, detail text) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE part AS (
        SELECT w.window_id, w.status, w.detail, w.finished_at FROM extract_window w WHERE w.window_id = asked
        UNION ALL
        SELECT w.window_id, w.status, w.detail, w.finished_at
          FROM part p
          JOIN extract_window w ON w.split_from = p.window_id
         -- one that all its parts have completed is proven, whatever its parts' parts are called
         WHERE p.status = 'split' AND p.finished_at IS NULL
    )
    SELECT CASE WHEN p.status = 'split' THEN 'proven' ELSE p.status END, p.detail
      FROM part p
     WHERE p.status <> 'split' OR p.finished_at IS NOT NULL
     ORDER BY array_position(ARRAY['failed', 'deferred', 'short', 'running', 'planned'], p.status) NULLS LAST, p.window_id
     LIMIT 1
$$;
COMMENT ON FUNCTION window_state(bigint) IS 'A window''s status and detail; of one that was split, its worst part''s: failed, deferred, being read, proven.';

CREATE FUNCTION latest_backfill(org text, start_at timestamptz, end_at timestamptz, wanted text[]) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT window_id
      FROM extract_window
     WHERE org_id = org
       AND kind = 'backfill'
       AND read_from = start_at
       AND read_until = end_at
       AND fields @> wanted
       AND split_from IS NULL
     ORDER BY window_id DESC
     LIMIT 1
$$;
COMMENT ON FUNCTION latest_backfill(text, timestamptz, timestamptz, text[]) IS 'The last window that a backfill planned for exactly this range with at least these fields, if any did.';
CREATE INDEX extract_window_by_backfilled_day ON extract_window (org_id, read_from) WHERE kind = 'backfill' AND split_from IS NULL;
