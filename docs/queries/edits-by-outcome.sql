-- What became of the agents' edits, and how long did they take? The last 30 days.
-- One row per workspace, field, outcome and error; seconds from the agent's click to the final status.
SELECT e.workspace_id, e.field_name, e.status, e.error_code, count(*) AS edits,
       count(*) FILTER (WHERE e.changed_by_salesforce) AS changed_by_salesforce,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM e.settled_at - e.requested_at))::numeric, 1) AS median_seconds,
       round(percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM e.settled_at - e.requested_at))::numeric, 1) AS p95_seconds,
       max(e.requested_at) AS last_requested_at
  FROM field_edit e
 WHERE e.requested_at > now() - interval '30 days'
 GROUP BY 1, 2, 3, 4
 ORDER BY 1, edits DESC, 2, 3, 4;
