-- Is matching getting better or worse, and for what reason? The last 30 days.
-- One row per workspace, day and reason; share is of all the workspace's contacts of that day.
SELECT d.workspace_id, d.day, r.reason, r.contacts::bigint AS contacts,
       round(100 * r.contacts::numeric / nullif(d.matched + d.ambiguous + d.unmatched, 0), 1) AS percent,
       r.contacts::bigint - lag(r.contacts::bigint) OVER (PARTITION BY d.workspace_id, r.reason ORDER BY d.day) AS change
  FROM match_day d
 CROSS JOIN LATERAL jsonb_each_text(d.reasons) AS r (reason, contacts)
 WHERE d.day > (now() AT TIME ZONE 'UTC')::date - 30
 ORDER BY d.workspace_id, d.day, contacts DESC, r.reason;
