-- Views: what the stages share, and what analysts ask.

-- Each raw value that can become a key, with the country that a national number is read in.
CREATE VIEW salesforce_raw_value AS
SELECT c.org_id, c.salesforce_id, c.presence, v.kind, v.source_field, v.raw,
       CASE v.kind WHEN 'phone' THEN coalesce(r.key, o.default_region::text, '') ELSE '' END AS region,
       sha256(convert_to(v.raw, 'UTF8')) AS raw_digest
  FROM salesforce_contact c
  JOIN salesforce_org o USING (org_id)
  LEFT JOIN key_rule r ON r.kind = 'country' AND r.region = '' AND r.raw_digest = sha256(convert_to(c.country, 'UTF8'))
 CROSS JOIN LATERAL (VALUES
       ('email', 'Email', c.email),
       ('phone', 'Phone', c.phone),
       ('phone', 'MobilePhone', c.mobile_phone),
       ('phone', 'HomePhone', c.home_phone),
       ('phone', 'OtherPhone', c.other_phone)) AS v (kind, source_field, raw)
 WHERE v.raw IS NOT NULL;
COMMENT ON VIEW salesforce_raw_value IS 'One row per Salesforce contact and filled e-mail or phone field, with its digest and region.';

CREATE VIEW respond_raw_value AS
SELECT c.org_id, c.workspace_id, c.respond_id, v.kind, v.source_field, v.raw,
       CASE v.kind WHEN 'phone' THEN coalesce(r.key, w.default_region::text, o.default_region::text, '') ELSE '' END AS region,
       sha256(convert_to(v.raw, 'UTF8')) AS raw_digest
  FROM respond_contact c
  JOIN workspace w USING (workspace_id)
  JOIN salesforce_org o ON o.org_id = c.org_id
  LEFT JOIN key_rule r ON r.kind = 'country' AND r.region = '' AND r.raw_digest = sha256(convert_to(c.country, 'UTF8'))
 CROSS JOIN LATERAL (VALUES ('email', 'email', c.email), ('phone', 'phone', c.phone)) AS v (kind, source_field, raw)
 WHERE v.raw IS NOT NULL
   AND c.gone_at IS NULL;
COMMENT ON VIEW respond_raw_value IS 'One row per respond contact and filled e-mail or phone, with its digest and region.';

-- All fields of a mirrored contact by API name, the named columns included.
CREATE FUNCTION salesforce_values(c salesforce_contact) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT (c).payload || jsonb_build_object(
        'Id', (c).salesforce_id, 'FirstName', (c).first_name, 'LastName', (c).last_name, 'Email', (c).email,
        'Phone', (c).phone, 'MobilePhone', (c).mobile_phone, 'HomePhone', (c).home_phone,
        'OtherPhone', (c).other_phone, 'MailingCountry', (c).country,
        'CreatedDate', (c).created_at, 'CreatedById', (c).created_by_id,
        'LastModifiedDate', (c).last_modified_at, 'LastModifiedById', (c).last_modified_by_id,
        'SystemModstamp', (c).system_modstamp, 'IsDeleted', (c).presence <> 'live', 'MasterRecordId', (c).master_record_id)
$$;
COMMENT ON FUNCTION salesforce_values(salesforce_contact) IS '{API name: value} of a mirrored contact, the named columns included.';

CREATE VIEW match_overview AS
SELECT w.workspace_id, w.org_id, s.status, s.reason, count(*) AS contacts
  FROM workspace w
  JOIN (SELECT workspace_id, 'matched' AS status, matched_by AS reason FROM contact_match
        UNION ALL
        SELECT workspace_id, status, reason FROM match_issue) s USING (workspace_id)
 GROUP BY w.workspace_id, w.org_id, s.status, s.reason;
COMMENT ON VIEW match_overview IS 'Per workspace: how many contacts are matched by what, ambiguous or unmatched for what reason.';

-- A key shared by too many is one row with a count, not one per contact.
CREATE VIEW match_explanation AS
WITH pair AS (
    SELECT k.org_id, k.workspace_id, k.respond_id, k.kind, k.key, s.salesforce_id, s.effective_id, s.source_fields,
           (SELECT count(DISTINCT x.effective_id) FROM salesforce_key x
             WHERE x.org_id = k.org_id AND x.kind = k.kind AND x.key = k.key) AS live_contacts
      FROM respond_key k
      JOIN salesforce_key s ON s.org_id = k.org_id AND s.kind = k.kind AND s.key = k.key
)
SELECT p.org_id, p.workspace_id, p.respond_id,
       CASE WHEN p.live_contacts <= w.shared_key_limit THEN p.salesforce_id END AS salesforce_id,
       CASE WHEN p.live_contacts <= w.shared_key_limit THEN p.effective_id END AS effective_id,
       p.kind, p.key,
       CASE WHEN p.kind LIKE 'email%' THEN r.email ELSE r.phone END AS respond_value,
       CASE WHEN p.live_contacts <= w.shared_key_limit THEN p.source_fields END AS salesforce_fields,
       CASE WHEN p.live_contacts <= w.shared_key_limit
            THEN (SELECT jsonb_object_agg(f, salesforce_values(c) -> f) FROM unnest(p.source_fields) AS f) END AS salesforce_values,
       p.live_contacts,
       CASE WHEN p.live_contacts > w.shared_key_limit THEN 'shared'
            WHEN p.effective_id IS NULL THEN 'deleted'
            WHEN m.salesforce_id = p.effective_id THEN 'match'
            ELSE 'candidate' END AS verdict,
       m.matched_by, i.status AS issue_status, i.reason AS issue_reason
  FROM pair p
  JOIN workspace w ON w.workspace_id = p.workspace_id
  JOIN respond_contact r ON r.workspace_id = p.workspace_id AND r.respond_id = p.respond_id
  JOIN salesforce_contact c ON c.org_id = p.org_id AND c.salesforce_id = p.salesforce_id
  LEFT JOIN contact_match m ON m.workspace_id = p.workspace_id AND m.respond_id = p.respond_id
  LEFT JOIN match_issue i ON i.workspace_id = p.workspace_id AND i.respond_id = p.respond_id
 WHERE p.kind IN ('email', 'phone', 'email_raw', 'phone_raw')
   AND (p.live_contacts <= w.shared_key_limit
        OR p.salesforce_id = (SELECT min(x.salesforce_id) FROM salesforce_key x
                               WHERE x.org_id = p.org_id AND x.kind = p.kind AND x.key = p.key));
COMMENT ON VIEW match_explanation IS 'Per respond contact and candidate: raw values, key, rule and verdict; a shared key is one row with a count.';

CREATE VIEW near_miss AS
SELECT i.org_id, i.workspace_id, i.respond_id, s.effective_id AS salesforce_id, k.kind, k.key,
       CASE k.kind WHEN 'phone_national' THEN 'same national digits, but one side names no country'
                   WHEN 'email_near' THEN 'one letter away in the domain'
                   ELSE 'equal but for format' END AS nearness,
       CASE k.kind WHEN 'phone_national' THEN 'add the country code to the number, or set the default region'
                   WHEN 'email_near' THEN 'check the spelling of the domain'
                   ELSE 'write both the same way, or set match_mode to normalized' END AS hint
  FROM match_issue i
  JOIN workspace w USING (workspace_id)
  JOIN respond_key k ON k.workspace_id = i.workspace_id AND k.respond_id = i.respond_id
  JOIN salesforce_key s ON s.org_id = k.org_id AND s.kind = k.kind AND s.key = k.key AND s.effective_id IS NOT NULL
 WHERE i.status = 'unmatched'
   AND (k.kind IN ('phone_national', 'email_near') OR (w.match_mode = 'exact' AND k.kind IN ('email', 'phone')));
COMMENT ON VIEW near_miss IS 'What nearly matched, and what to change where. A hint, never a match.';

CREATE VIEW sidebar_field_values AS
SELECT s.org_id, s.workspace_id, s.respond_id, s.salesforce_id, l.position, l.item ->> 'name' AS field_name,
       l.item ->> 'label' AS label, l.item ->> 'type' AS type, s.fields -> (l.item ->> 'name') AS value,
       (l.item ->> 'editable')::boolean AS editable, s.stale ? (l.item ->> 'name') AS is_stale, s.as_of
  FROM sidebar_fields s
  JOIN sidebar_layout y USING (workspace_id)
 CROSS JOIN LATERAL jsonb_array_elements(y.layout) WITH ORDINALITY AS l (item, position)
 WHERE s.match_status = 'matched';
COMMENT ON VIEW sidebar_field_values IS 'One row per matched respond contact and chosen field.';

CREATE FUNCTION effective_contact_id(wanted_org text, wanted_id text) RETURNS text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain AS (
        SELECT c.salesforce_id, c.presence, c.master_record_id, ARRAY[c.salesforce_id::text] AS path
          FROM salesforce_contact c
         WHERE c.org_id = wanted_org AND c.salesforce_id = wanted_id
         UNION ALL
        SELECT c.salesforce_id, c.presence, c.master_record_id, p.path || c.salesforce_id::text
          FROM chain p
          JOIN salesforce_contact c ON c.org_id = wanted_org AND c.salesforce_id = p.master_record_id
         WHERE p.presence <> 'live' AND c.salesforce_id::text <> ALL (p.path)
    )
    SELECT max(salesforce_id) FROM chain WHERE presence = 'live'
$$;
COMMENT ON FUNCTION effective_contact_id(text, text) IS 'The live contact a record stands for: itself or the winner of its merges; null if gone.';
