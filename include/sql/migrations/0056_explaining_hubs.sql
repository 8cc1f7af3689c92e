-- Explaining a contact that holds a switchboard's number costs what the number's holders cost once, not once per holder.

-- The holders of a key are counted first; a shared key is then one row of them, any other all. Only the comparison that the workspace
-- uses has candidates, and one spelling of a key is shared if the key is; and whom a person chose is shown even where no key is common that few enough hold.
CREATE OR REPLACE VIEW match_explanation AS
WITH held AS NOT MATERIALIZED (
    SELECT k.org_id, k.workspace_id, k.respond_id, k.kind, k.key, n.live_contacts, n.live_contacts > w.shared_key_limit AS is_shared,
           h.first_id, CASE WHEN n.live_contacts > w.shared_key_limit THEN h.first_id ELSE h.last_id END AS last_id
      FROM respond_key k
      JOIN workspace w ON w.workspace_id = k.workspace_id
     CROSS JOIN LATERAL (
           SELECT count(DISTINCT x.effective_id) AS live_contacts, min(x.salesforce_id) AS first_id, max(x.salesforce_id) AS last_id
             FROM salesforce_key x
            WHERE x.org_id = k.org_id AND x.kind = k.kind AND x.key = k.key) AS h
     CROSS JOIN LATERAL (
           SELECT greatest(h.live_contacts, (
                  SELECT count(DISTINCT x.effective_id)
                    FROM respond_key a
                    JOIN salesforce_key x ON x.org_id = a.org_id AND x.kind = a.kind AND x.key = a.key
                   WHERE w.match_mode = 'exact' AND a.workspace_id = k.workspace_id AND a.respond_id = k.respond_id
                     AND a.kind = split_part(k.kind, '_', 1))) AS live_contacts OFFSET 0) AS n
     WHERE k.kind = ANY (CASE w.match_mode WHEN 'exact' THEN ARRAY['email_raw', 'phone_raw'] ELSE ARRAY['email', 'phone'] END)
), pair AS NOT MATERIALIZED (
    SELECT h.org_id, h.workspace_id, h.respond_id, h.kind, h.key, h.live_contacts, h.is_shared, s.salesforce_id, s.effective_id, s.source_fields
      FROM held h
     -- a range of the primary key, and never more of it
     CROSS JOIN LATERAL (
           SELECT x.salesforce_id, x.effective_id, x.source_fields
             FROM salesforce_key x
            WHERE x.org_id = h.org_id AND x.kind = h.kind AND x.key = h.key AND x.salesforce_id BETWEEN h.first_id AND h.last_id
           OFFSET 0) AS s
)
SELECT p.org_id, p.workspace_id, p.respond_id,
       CASE WHEN NOT p.is_shared THEN p.salesforce_id END AS salesforce_id,
       CASE WHEN NOT p.is_shared THEN p.effective_id END AS effective_id,
       p.kind, p.key,
       CASE WHEN p.kind LIKE 'email%' THEN r.email ELSE r.phone END AS respond_value,
       CASE WHEN NOT p.is_shared THEN p.source_fields END AS salesforce_fields,
       CASE WHEN NOT p.is_shared
            THEN (SELECT jsonb_object_agg(f, salesforce_values(c) -> f) FROM unnest(p.source_fields) AS f) END AS salesforce_values,
       p.live_contacts,
       CASE WHEN p.is_shared THEN 'shared'
            WHEN p.effective_id IS NULL THEN 'deleted'
            WHEN m.salesforce_id = p.effective_id THEN 'match'
            ELSE 'candidate' END AS verdict,
       m.matched_by, i.status AS issue_status, i.reason AS issue_reason, coalesce(m.matched_by, i.reason) AS rule
  FROM pair p
  JOIN respond_contact r ON r.workspace_id = p.workspace_id AND r.respond_id = p.respond_id
  JOIN salesforce_contact c ON c.org_id = p.org_id AND c.salesforce_id = p.salesforce_id
  LEFT JOIN contact_match m ON m.workspace_id = p.workspace_id AND m.respond_id = p.respond_id
  LEFT JOIN match_issue i ON i.workspace_id = p.workspace_id AND i.respond_id = p.respond_id
 UNION ALL
SELECT m.org_id, m.workspace_id, m.respond_id, m.salesforce_id, m.salesforce_id, NULL, NULL, NULL, NULL, NULL, NULL, 'match',
       m.matched_by, NULL, NULL, m.matched_by
  FROM contact_match m
 WHERE m.matched_by = 'decision'
   AND NOT EXISTS (SELECT FROM pair p
                    WHERE p.workspace_id = m.workspace_id AND p.respond_id = m.respond_id AND p.effective_id = m.salesforce_id
                      AND NOT p.is_shared);
