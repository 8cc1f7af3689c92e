-- Why has this contact no match, and what would give it one? Newest first, at most 200 contacts.
-- One row per respond contact and near miss. For one person: AND respond_id = … in the first part.
WITH asked AS (
    SELECT workspace_id, respond_id, reason, updated_at
      FROM match_issue
     WHERE status = 'unmatched'
     ORDER BY reason = 'no_counterpart', updated_at DESC, workspace_id, respond_id -- who is simply not in Salesforce comes last
     LIMIT 200
)
SELECT a.workspace_id, a.respond_id, a.reason, c.email, c.phone, c.country, v.values_without_key,
       n.hint, n.salesforce_id AS nearly, n.salesforce_field
  FROM asked a
  JOIN respond_contact c USING (workspace_id, respond_id)
 CROSS JOIN LATERAL (
       SELECT string_agg(concat(u.source_field, ': ', u.reason), ', ' ORDER BY u.source_field) AS values_without_key
         FROM unusable_value u
        WHERE u.workspace_id = a.workspace_id AND u.respond_id = a.respond_id) AS v
  LEFT JOIN LATERAL (
       SELECT hint, salesforce_id, salesforce_field
         FROM near_miss m
        WHERE m.workspace_id = a.workspace_id AND m.respond_id = a.respond_id
        LIMIT 20) AS n ON true
 ORDER BY a.reason = 'no_counterpart', n.hint IS NULL, a.updated_at DESC, a.workspace_id, a.respond_id;
