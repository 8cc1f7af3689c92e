-- How many Salesforce API calls does each lane make, and what share of the org's day is that? The last 30 days.
-- One row per org, day (UTC) and lane.
SELECT u.org_id, u.day, u.lane, u.calls,
       round(100.0 * u.calls / nullif(sum(u.calls) OVER (PARTITION BY u.org_id, u.day), 0), 1) AS percent_of_ours,
       round(100.0 * u.calls / nullif(l.most, 0), 2) AS percent_of_the_orgs
  FROM api_usage u
  LEFT JOIN api_limit l USING (org_id)
 WHERE u.day > (now() AT TIME ZONE 'UTC')::date - 30
 ORDER BY u.org_id, u.day DESC, u.calls DESC, u.lane;
