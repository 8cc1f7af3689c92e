-- Which new Salesforce records became contacts in respond.io, and why did the others not? The last 30 days.
-- One row per workspace, day, status and rule or error.
SELECT c.workspace_id, (c.planned_at AT TIME ZONE 'UTC')::date AS day, c.status, coalesce(c.rule, c.error_code) AS why,
       count(*) AS records, count(*) FILTER (WHERE c.is_bulk_import) AS by_bulk_import,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.settled_at - c.planned_at))::int AS median_seconds
  FROM contact_creation c
 WHERE c.planned_at > now() - interval '30 days'
 GROUP BY 1, 2, 3, 4
 ORDER BY 1, 2 DESC, records DESC, 3, 4;
