-- Which e-mails and phones belong to several Salesforce contacts? Nobody can be told by them alone. Worst first, at most 200.
-- One row per workspace and key. shared = more live contacts than workspace.shared_key_limit; ambiguous = merge them, or decide.
WITH crowded AS (
    SELECT org_id, kind, key, count(DISTINCT effective_id) AS salesforce_contacts, (array_agg(DISTINCT effective_id))[1:5] AS some_of_them
      FROM salesforce_key
     WHERE kind IN ('email', 'phone')
       AND effective_id IS NOT NULL
     GROUP BY org_id, kind, key
    HAVING count(DISTINCT effective_id) > 1
), asked AS (
    SELECT workspace_id, kind, key, count(*) AS respond_contacts
      FROM respond_key
     WHERE kind IN ('email', 'phone')
     GROUP BY workspace_id, kind, key
)
SELECT w.workspace_id, c.kind, c.key, CASE WHEN c.salesforce_contacts > w.shared_key_limit THEN 'shared' ELSE 'ambiguous' END AS verdict,
       c.salesforce_contacts, coalesce(a.respond_contacts, 0) AS respond_contacts, c.some_of_them
  FROM crowded c
  JOIN workspace w USING (org_id)
  LEFT JOIN asked a ON a.workspace_id = w.workspace_id AND a.kind = c.kind AND a.key = c.key
 ORDER BY respond_contacts DESC, c.salesforce_contacts DESC, w.workspace_id, c.kind, c.key
 LIMIT 200;
