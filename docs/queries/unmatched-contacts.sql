-- Why has this contact no match, and what would give it one? Newest first, at most 200.
-- One row per respond contact and near miss; add AND i.respond_id = … for one person.
SELECT i.workspace_id, i.respond_id, i.reason, c.email, c.phone, c.country,
       v.values_without_key, n.hint, n.salesforce_id AS nearly, n.salesforce_field
  FROM match_issue i
  JOIN respond_contact c USING (workspace_id, respond_id)
  LEFT JOIN LATERAL (
       SELECT string_agg(concat(u.source_field, ': ', u.reason), ', ' ORDER BY u.source_field) AS values_without_key
         FROM unusable_value u
        WHERE u.system = 'respond.io' AND u.workspace_id = i.workspace_id AND u.contact_id = i.respond_id::text
       ) v ON true
  LEFT JOIN near_miss n ON n.workspace_id = i.workspace_id AND n.respond_id = i.respond_id
 WHERE i.status = 'unmatched'
   AND i.reason <> 'no_counterpart' -- without this line: also those who are simply not in Salesforce
 ORDER BY i.updated_at DESC, i.workspace_id, i.respond_id
 LIMIT 200;
