-- Each window knows whether the quality gate judged what it brought, so that one that is proven while the suites run, or
-- between the gate and the matching, is not taken for judged. Until then matching waits.

ALTER TABLE extract_window ADD COLUMN judged_at timestamptz;
COMMENT ON COLUMN extract_window.judged_at IS 'When the quality gate had judged the org with what this window brought; null until then.';
UPDATE extract_window w
   SET judged_at = q.ran_at
  FROM (SELECT org_id, max(ran_at) AS ran_at FROM quality_run GROUP BY org_id) AS q
 WHERE q.org_id = w.org_id
   AND w.status = 'proven'
   AND w.finished_at <= q.ran_at;
CREATE INDEX extract_window_unjudged ON extract_window (org_id) WHERE status = 'proven' AND judged_at IS NULL;

CREATE VIEW org_gate AS
SELECT o.org_id, q.verdict, q.ran_at, d.due_for,
       CASE WHEN q.verdict = 'held' THEN 'decision'
            WHEN l.has_begun AND NOT l.has_loaded THEN 'first_load'
            WHEN d.due_for IS NOT NULL THEN 'gate' END AS waits_for
  FROM salesforce_org o
  LEFT JOIN LATERAL (
       SELECT verdict, ran_at FROM quality_run r WHERE r.org_id = o.org_id ORDER BY quality_run_id DESC LIMIT 1) AS q ON true
 CROSS JOIN LATERAL (
       SELECT EXISTS (SELECT FROM extract_window b WHERE b.org_id = o.org_id AND b.kind = 'initial') AS has_begun,
              EXISTS (SELECT FROM proven_window p WHERE p.org_id = o.org_id AND p.kind = 'initial') AS has_loaded) AS l
 CROSS JOIN LATERAL (
       SELECT bool_or(u.kind IN ('backfill', 'refill', 'initial')) AS has_backfilled, sum(u.rows_merged) AS rows_merged
         FROM extract_window u
        WHERE u.org_id = o.org_id AND u.status = 'proven' AND u.judged_at IS NULL) AS n
 CROSS JOIN LATERAL (
       SELECT CASE WHEN q.ran_at IS NULL THEN CASE WHEN l.has_loaded THEN 'first_load' END
                   WHEN n.has_backfilled THEN 'backfill'
                   WHEN n.rows_merged > 10000 THEN 'large_delta' END AS due_for) AS d;
COMMENT ON VIEW org_gate IS 'How each org stands with the quality gate: its latest verdict, what was not judged yet, and what its matching waits for.';
COMMENT ON COLUMN org_gate.org_id IS 'The org.';
COMMENT ON COLUMN org_gate.verdict IS 'Of the latest run of the suites: passed, approved or held; null before the first.';
COMMENT ON COLUMN org_gate.ran_at IS 'When that was.';
COMMENT ON COLUMN org_gate.due_for IS 'What was read and not judged yet: first_load, backfill, or large_delta (more than 10,000 merged rows); null if nothing of that size.';
COMMENT ON COLUMN org_gate.waits_for IS 'What the org''s matching waits for: decision (the gate holds it), first_load (it is not proven), gate (what was read is not judged); null if for nothing.';
INSERT INTO analyst_column (relation, name, mask)
VALUES ('org_gate', 'verdict', 'plain'), ('org_gate', 'due_for', 'plain'), ('org_gate', 'waits_for', 'plain');
