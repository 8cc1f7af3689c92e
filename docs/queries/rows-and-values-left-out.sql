-- What data is too broken to be used, and how much of it is there?
-- One row per org, side and reason: whole rows that could not be taken (quarantined), and values that are no keys.
SELECT q.org_id, CASE WHEN q.workspace_id IS NULL THEN 'Salesforce' ELSE 'respond.io' END AS system, 'row' AS what,
       NULL AS field, q.reason, count(*) AS how_many, min(q.quarantined_at) AS since,
       (array_agg(coalesce(q.salesforce_id, q.respond_id::text) ORDER BY q.quarantine_id DESC))[1:5] AS some_ids
  FROM quarantined_row q
 WHERE q.resolved_at IS NULL
 GROUP BY 1, 2, 5
 UNION ALL
SELECT u.org_id, u.system, 'value', u.source_field, u.reason, count(*), NULL,
       (array_agg(coalesce(u.salesforce_id, u.respond_id::text)))[1:5]
  FROM unusable_value u
 GROUP BY 1, 2, 4, 5
 ORDER BY 1, 2, 3, how_many DESC, 5, 4;
