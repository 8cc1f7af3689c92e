-- How far Salesforce itself says that nothing is open, how far its log of deletions was read, and windows in halves.

ALTER TABLE salesforce_org
    ADD COLUMN settled_asked_at timestamptz,
    ADD COLUMN settled_detail text,
    ADD COLUMN deletes_until timestamptz,
    ADD COLUMN deletes_asked_at timestamptz;
COMMENT ON COLUMN salesforce_org.settled_asked_at IS 'When Salesforce was last asked how far it is settled.';
COMMENT ON COLUMN salesforce_org.settled_detail IS 'Why settled_until did not move when it was last asked for; null when it did.';
COMMENT ON COLUMN salesforce_org.deletes_until IS 'Up to where Salesforce''s log of deletions was read.';
COMMENT ON COLUMN salesforce_org.deletes_asked_at IS 'When the log of deletions was last asked for.';

ALTER TABLE extract_window
    ADD COLUMN split_from bigint REFERENCES extract_window ON DELETE CASCADE,
    ADD COLUMN read_before timestamptz;
CREATE INDEX extract_window_by_parent ON extract_window (split_from) WHERE split_from IS NOT NULL;
COMMENT ON COLUMN extract_window.split_from IS 'The window that was too slow for Salesforce and that this is one half of.';
COMMENT ON COLUMN extract_window.read_before IS 'Exclusive upper bound of a half; null = none. A backfill''s bound is its read_until.';

-- The second half that is proven completes the window that was split, and so on upwards.
CREATE FUNCTION complete_split_window() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent bigint := NEW.split_from;
BEGIN
    WHILE parent IS NOT NULL LOOP
        -- two halves may be proven at the same moment: the later one must see the earlier
        PERFORM FROM extract_window WHERE window_id = parent FOR UPDATE;
        UPDATE extract_window w
           SET finished_at = now(), queried_at = h.queried_at,
               -- the earlier clock: what changed since then is news, whichever half it was in
               read_until = CASE WHEN w.kind = 'backfill' OR w.read_before IS NOT NULL THEN w.read_until ELSE h.queried_at END,
               rows_reported = h.rows_reported, rows_landed = h.rows_landed, rows_distinct = h.rows_distinct,
               rows_quarantined = h.rows_quarantined, rows_erased = h.rows_erased, rows_merged = h.rows_merged
          FROM (SELECT bool_and(status = 'proven' OR (status = 'split' AND finished_at IS NOT NULL)) AS is_whole,
                       min(queried_at) AS queried_at, sum(rows_reported) AS rows_reported, sum(rows_landed) AS rows_landed,
                       sum(rows_distinct) AS rows_distinct, sum(rows_quarantined) AS rows_quarantined,
                       sum(rows_erased) AS rows_erased, sum(rows_merged) AS rows_merged
                  FROM extract_window
                 WHERE split_from = parent) AS h
         WHERE w.window_id = parent
           AND h.is_whole
        RETURNING w.split_from INTO parent;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION complete_split_window() IS 'Close the window whose halves are all proven: status split with finished_at set.';
CREATE TRIGGER extract_window_half_is_proven AFTER UPDATE OF status ON extract_window FOR EACH ROW
    WHEN (NEW.status = 'proven' AND NEW.split_from IS NOT NULL) EXECUTE FUNCTION complete_split_window();

CREATE VIEW proven_window AS
SELECT window_id, org_id, kind, read_from, read_until, fields, started_at, queried_at, finished_at, rows_reported
  FROM extract_window
 WHERE split_from IS NULL
   AND (status = 'proven' OR (status = 'split' AND finished_at IS NOT NULL));
COMMENT ON VIEW proven_window IS 'Windows whose whole range is proven, by themselves or by all the parts they were split into.';
