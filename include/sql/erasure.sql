-- Erasure: one person leaves all tables in one transaction; tombstones keep them out.
-- The working tables name who is meant: Salesforce records, respond contacts, their keys and raw values. Nothing of them outlives the transaction.

-- name: create_erasure_tables
-- Make the working tables of one transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS erased_record (salesforce_id text PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS erased_contact (workspace_id text, respond_id bigint, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS erased_key (kind text, key text, is_own boolean, PRIMARY KEY (kind, key)) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS erased_value (kind text, key text, value text, digest bytea) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS unkeyed_value (kind text, region text, raw text, has_rule boolean, key text, salesforce_id text, workspace_id text, respond_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS unkeyed_rule (kind text, region text, raw text, key text) ON COMMIT DROP;

-- name: empty_erasure_tables
-- Empty the working tables.
-- Params: none | Rows: none
WITH records AS (DELETE FROM erased_record), contacts AS (DELETE FROM erased_contact), names AS (DELETE FROM erased_key),
     unkeyed AS (DELETE FROM unkeyed_value), rules AS (DELETE FROM unkeyed_rule)
DELETE FROM erased_value;

-- name: select_unruled_countries
-- List the countries that no rule of this version knows: they tell how a number is read.
-- Params: org_id text, rules_version text | Rows: 0..n (country)
SELECT c.country
  FROM (SELECT country FROM salesforce_contact WHERE org_id = %(org_id)s UNION SELECT country FROM respond_contact) AS c
 WHERE c.country IS NOT NULL
   AND NOT EXISTS (
       SELECT FROM key_rule r
        WHERE r.kind = 'country' AND r.region = '' AND r.raw_digest = sha256(convert_to(c.country, 'UTF8'))
          AND r.rules_version = %(rules_version)s);

-- name: upsert_country_rules
-- Remember what countries mean; without a region they are none.
-- Params: rules_version text, countries text[], regions text[] | Rows: none
INSERT INTO key_rule (kind, region, raw_digest, rules_version, key, reason)
SELECT 'country', '', sha256(convert_to(country, 'UTF8')), %(rules_version)s, region, CASE WHEN region IS NULL THEN 'invalid' END
  FROM unnest(%(countries)s::text[], %(regions)s::text[]) AS given (country, region)
 ORDER BY 3
ON CONFLICT (kind, region, raw_digest) DO UPDATE
   SET rules_version = excluded.rules_version, key = excluded.key, reason = excluded.reason, used_at = now();

-- name: insert_unkeyed_values
-- List e-mails and phones whose keys stand in no table: of contacts that wait to be normalized, are gone, or whose workspace serves no org.
-- Params: org_id text, rules_version text | Rows: none
WITH waiting AS (
    SELECT entity, workspace_id, entity_id
      FROM pending_entity
     WHERE org_id = %(org_id)s AND entity IN ('salesforce_contact', 'respond_contact')
), held AS (
    SELECT v.kind, v.region, v.raw, v.salesforce_id::text AS salesforce_id, NULL AS workspace_id, NULL::bigint AS respond_id
      FROM salesforce_raw_value v
     WHERE v.org_id = %(org_id)s
       AND (v.salesforce_id IN (SELECT entity_id FROM waiting WHERE entity = 'salesforce_contact')
            OR EXISTS (SELECT FROM waiting WHERE entity = 'salesforce_contact' AND entity_id IS NULL))
     UNION ALL
    SELECT v.kind, CASE v.kind WHEN 'phone' THEN coalesce(r.key, w.default_region, o.default_region, '') ELSE '' END, v.raw,
           NULL, c.workspace_id, c.respond_id
      FROM respond_contact c
      JOIN workspace w USING (workspace_id)
      LEFT JOIN salesforce_org o ON o.org_id = w.org_id
      LEFT JOIN key_rule r ON r.kind = 'country' AND r.region = '' AND r.raw_digest = sha256(convert_to(c.country, 'UTF8'))
     CROSS JOIN LATERAL (VALUES ('email', c.email), ('phone', c.phone)) AS v (kind, raw)
     WHERE v.raw IS NOT NULL
       AND (w.org_id IS NULL
            OR w.org_id = %(org_id)s AND (c.gone_at IS NOT NULL OR EXISTS (
               SELECT FROM waiting q
                WHERE q.entity = 'respond_contact' AND q.workspace_id = c.workspace_id
                  AND (q.entity_id IS NULL OR q.entity_id = c.respond_id::text))))
)
INSERT INTO unkeyed_value (kind, region, raw, has_rule, key, salesforce_id, workspace_id, respond_id)
SELECT h.kind, h.region, h.raw, r.kind IS NOT NULL, r.key, h.salesforce_id, h.workspace_id, h.respond_id
  FROM held h
  LEFT JOIN key_rule r ON r.kind = h.kind AND r.region = h.region AND r.raw_digest = sha256(convert_to(h.raw, 'UTF8'))
   AND r.rules_version = %(rules_version)s;

-- name: select_unruled_values
-- List the distinct values among them that nobody has normalized yet.
-- Params: none | Rows: 0..n (kind, region, raw)
SELECT DISTINCT kind, region, raw
  FROM unkeyed_value
 WHERE NOT has_rule;

-- name: key_unruled_values
-- Give these values their keys.
-- Params: none | Rows: none
UPDATE unkeyed_value v
   SET key = r.key
  FROM unkeyed_rule r
 WHERE NOT v.has_rule
   AND v.kind = r.kind
   AND v.region = r.region
   AND v.raw = r.raw;

-- name: name_erased
-- Name Salesforce records and respond contacts.
-- Params: salesforce_ids text[], workspace_ids text[], respond_ids bigint[] | Rows: none
WITH records AS (
    INSERT INTO erased_record (salesforce_id) SELECT unnest(%(salesforce_ids)s::text[]) ON CONFLICT DO NOTHING
)
INSERT INTO erased_contact (workspace_id, respond_id)
SELECT workspace_id, respond_id FROM unnest(%(workspace_ids)s::text[], %(respond_ids)s::bigint[]) AS given (workspace_id, respond_id)
ON CONFLICT DO NOTHING;

-- name: name_holders
-- Name whoever of an org holds a key, normalized or not.
-- Params: org_id text, kind text, key text | Rows: none
WITH records AS (
    INSERT INTO erased_record (salesforce_id)
    SELECT salesforce_id FROM salesforce_key WHERE org_id = %(org_id)s AND kind = %(kind)s AND key = %(key)s
     UNION
    SELECT salesforce_id FROM unkeyed_value WHERE salesforce_id IS NOT NULL AND kind = %(kind)s AND key = %(key)s
    ON CONFLICT DO NOTHING
)
INSERT INTO erased_contact (workspace_id, respond_id)
SELECT workspace_id, respond_id FROM respond_key WHERE org_id = %(org_id)s AND kind = %(kind)s AND key = %(key)s
 UNION
SELECT workspace_id, respond_id FROM unkeyed_value WHERE respond_id IS NOT NULL AND kind = %(kind)s AND key = %(key)s
ON CONFLICT DO NOTHING;

-- name: name_matched_records
-- Name the records that the named contacts stand for: matched, decided, created or adopted for them.
-- Params: org_id text | Rows: none
INSERT INTO erased_record (salesforce_id)
SELECT m.salesforce_id FROM erased_contact x JOIN contact_match m USING (workspace_id, respond_id) WHERE m.org_id = %(org_id)s
 UNION
SELECT d.salesforce_id FROM erased_contact x JOIN match_decision d USING (workspace_id, respond_id)
 WHERE d.org_id = %(org_id)s AND d.salesforce_id IS NOT NULL AND d.revoked_at IS NULL
 UNION
SELECT c.salesforce_id FROM erased_contact x JOIN contact_creation c USING (workspace_id, respond_id)
 WHERE c.org_id = %(org_id)s AND c.status IN ('created', 'tagged')
ON CONFLICT DO NOTHING;

-- name: name_merged_records
-- Name what the named records were merged into and what was merged into them, however many merges away.
-- Params: org_id text | Rows: none
WITH RECURSIVE merged AS (
    SELECT salesforce_id FROM erased_record
    -- UNION, not UNION ALL: a cycle of merges ends here
     UNION
    SELECT n.salesforce_id
      FROM merged m
     CROSS JOIN LATERAL (
           SELECT l.salesforce_id::text FROM salesforce_contact l
            WHERE l.org_id = %(org_id)s AND l.master_record_id = m.salesforce_id
            UNION ALL
           SELECT w.master_record_id::text FROM salesforce_contact w
            WHERE w.org_id = %(org_id)s AND w.salesforce_id = m.salesforce_id AND w.master_record_id IS NOT NULL) AS n
)
INSERT INTO erased_record (salesforce_id)
SELECT salesforce_id FROM merged
ON CONFLICT DO NOTHING;

-- name: name_matched_contacts
-- Name the contacts that stand for the named records, in all workspaces of the org.
-- Params: org_id text | Rows: none
INSERT INTO erased_contact (workspace_id, respond_id)
SELECT m.workspace_id, m.respond_id FROM erased_record x JOIN contact_match m USING (salesforce_id) WHERE m.org_id = %(org_id)s
 UNION
SELECT d.workspace_id, d.respond_id FROM erased_record x JOIN match_decision d USING (salesforce_id)
 WHERE d.org_id = %(org_id)s AND d.revoked_at IS NULL
 UNION
SELECT c.workspace_id, c.respond_id FROM erased_record x JOIN contact_creation c USING (salesforce_id)
 WHERE c.org_id = %(org_id)s AND c.respond_id IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: select_erased_values
-- Read the raw values of the named records and contacts, with the country that a national number is read in.
-- Params: org_id text | Rows: 0..n (kind, region, raw)
SELECT v.kind, v.region, v.raw
  FROM erased_record x
  JOIN salesforce_raw_value v ON v.org_id = %(org_id)s AND v.salesforce_id = x.salesforce_id
 UNION
SELECT v.kind, coalesce(nullif(CASE v.kind WHEN 'phone' THEN coalesce(r.key, w.default_region::text) END, ''), o.default_region::text, ''), v.raw
  FROM erased_contact x
  -- gone ones, too: their values are still there
  JOIN respond_contact c USING (workspace_id, respond_id)
  JOIN workspace w USING (workspace_id)
  LEFT JOIN salesforce_org o ON o.org_id = c.org_id
  LEFT JOIN key_rule r ON r.kind = 'country' AND r.region = '' AND r.raw_digest = sha256(convert_to(c.country, 'UTF8'))
 CROSS JOIN LATERAL (VALUES ('email', c.email), ('phone', c.phone)) AS v (kind, raw)
 WHERE v.raw IS NOT NULL;

-- name: name_keys
-- Name the keys of the named records and contacts; one that a record of somebody else holds is not their own.
-- Params: org_id text, kinds text[], keys text[] | Rows: none
INSERT INTO erased_key (kind, key, is_own)
SELECT k.kind, k.key, NOT EXISTS (
           SELECT FROM salesforce_key s
            WHERE s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key
              AND s.salesforce_id NOT IN (SELECT salesforce_id FROM erased_record))
       AND NOT EXISTS (
           SELECT FROM unkeyed_value v
            WHERE v.kind = k.kind AND v.key = k.key AND v.salesforce_id NOT IN (SELECT salesforce_id FROM erased_record))
  FROM (SELECT DISTINCT kind, key FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS given (kind, key)
         UNION
        SELECT s.kind, s.key FROM erased_record x JOIN salesforce_key s USING (salesforce_id) WHERE s.org_id = %(org_id)s
         UNION
        SELECT r.kind, r.key FROM erased_contact x JOIN respond_key r USING (workspace_id, respond_id)) AS k
ON CONFLICT DO NOTHING;

-- name: name_contacts_by_key
-- Name the contacts that hold a key of the person's own: an e-mail, or a phone where they have no e-mail of somebody else.
-- Params: org_id text | Rows: none
WITH holder AS NOT MATERIALIZED (
    SELECT workspace_id, respond_id, kind, key FROM respond_key WHERE org_id = %(org_id)s
     UNION ALL
    SELECT workspace_id, respond_id, kind, key FROM unkeyed_value WHERE respond_id IS NOT NULL
)
INSERT INTO erased_contact (workspace_id, respond_id)
SELECT DISTINCT r.workspace_id, r.respond_id
  FROM erased_key k
  JOIN holder r ON r.kind = k.kind AND r.key = k.key
 WHERE k.is_own
   AND (k.kind = 'email'
        OR k.kind = 'phone' AND NOT EXISTS (
           SELECT FROM holder o
            WHERE o.workspace_id = r.workspace_id AND o.respond_id = r.respond_id AND o.kind = 'email' AND o.key IS NOT NULL
              AND NOT EXISTS (SELECT FROM erased_key e WHERE e.kind = o.kind AND e.key = o.key AND e.is_own)))
ON CONFLICT DO NOTHING;

-- name: name_returned_keys
-- Name the keys of changed contacts that are tombstones.
-- Params: org_id text | Rows: none
INSERT INTO erased_key (kind, key, is_own)
SELECT k.kind, k.key, true
  FROM (SELECT s.kind, s.key FROM changed_salesforce x
          JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.salesforce_id = x.salesforce_id
         WHERE s.kind IN ('email', 'phone')
         UNION
        SELECT r.kind, r.key FROM changed_respond x
          JOIN respond_key r USING (workspace_id, respond_id)
         WHERE r.org_id = %(org_id)s AND r.kind IN ('email', 'phone')) AS k
 CROSS JOIN tombstone_pad p
  JOIN erased_person e ON e.org_id = %(org_id)s AND e.digest = keyed_digest(p.inner_pad, p.outer_pad, %(org_id)s || ':' || k.kind || ':' || k.key);

-- name: name_returned_records
-- Name the records that hold a key of an erased person: their e-mail, or their phone where they have no other e-mail.
-- Params: org_id text | Rows: none
INSERT INTO erased_record (salesforce_id)
SELECT DISTINCT s.salesforce_id
  FROM erased_key k
  JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key
 WHERE k.kind = 'email'
    OR NOT EXISTS (
       SELECT FROM salesforce_key o
        WHERE o.org_id = s.org_id AND o.salesforce_id = s.salesforce_id AND o.kind = 'email'
          AND NOT EXISTS (SELECT FROM erased_key e WHERE e.kind = o.kind AND e.key = o.key))
ON CONFLICT DO NOTHING;

-- name: select_erased
-- List whom the working tables name.
-- Params: none | Rows: 0..n (salesforce_id, workspace_id, respond_id)
SELECT salesforce_id, NULL AS workspace_id, NULL::bigint AS respond_id FROM erased_record
 UNION ALL
SELECT NULL, workspace_id, respond_id FROM erased_contact
 ORDER BY salesforce_id, workspace_id, respond_id;

-- name: select_erased_keys
-- List the keys that the working tables name.
-- Params: none | Rows: 0..n (kind, key, is_own)
SELECT kind, key, is_own
  FROM erased_key
 WHERE kind IN ('email', 'phone')
 ORDER BY kind, key;

-- name: feed_key_sharers
-- Have contacts of other people matched anew that share a key with the person.
-- Params: org_id text | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT DISTINCT r.org_id, r.workspace_id, 'respond_key', r.respond_id::text
  FROM erased_key k
  JOIN respond_key r ON r.org_id = %(org_id)s AND r.kind = k.kind AND r.key = k.key
 WHERE NOT EXISTS (SELECT FROM erased_contact x WHERE x.workspace_id = r.workspace_id AND x.respond_id = r.respond_id);

-- name: erase_edits
-- Erase the person's edits; their history goes with them.
-- Params: org_id text | Rows: none
DELETE FROM field_edit e
 WHERE e.org_id = %(org_id)s
   AND (e.salesforce_id IN (SELECT salesforce_id FROM erased_record)
        OR e.target_salesforce_id IN (SELECT salesforce_id FROM erased_record)
        OR EXISTS (SELECT FROM erased_contact x WHERE x.workspace_id = e.workspace_id AND x.respond_id = e.respond_id));

-- name: erase_sidebar_rows
-- Erase what agents see of the person.
-- Params: org_id text | Rows: none
DELETE FROM sidebar_fields s
 WHERE s.org_id = %(org_id)s AND s.salesforce_id IN (SELECT salesforce_id FROM erased_record)
    OR EXISTS (SELECT FROM erased_contact x WHERE x.workspace_id = s.workspace_id AND x.respond_id = s.respond_id);

-- name: erase_matches
-- Erase the person's matches.
-- Params: org_id text | Rows: none
DELETE FROM contact_match m
 WHERE m.org_id = %(org_id)s AND m.salesforce_id IN (SELECT salesforce_id FROM erased_record)
    OR EXISTS (SELECT FROM erased_contact x WHERE x.workspace_id = m.workspace_id AND x.respond_id = m.respond_id);

-- name: erase_issues
-- Erase why the person's contacts had no match.
-- Params: none | Rows: none
DELETE FROM match_issue i
 USING erased_contact x
 WHERE x.workspace_id = i.workspace_id AND x.respond_id = i.respond_id;

-- name: erase_candidates
-- Take the person off other contacts' lists of candidates.
-- Params: org_id text | Rows: none
UPDATE match_issue i
   SET candidates = ARRAY(SELECT c FROM unnest(i.candidates) WITH ORDINALITY AS listed (c, place)
                           WHERE c NOT IN (SELECT salesforce_id FROM erased_record) ORDER BY place),
       candidate_count = candidate_count - cardinality(ARRAY(SELECT salesforce_id FROM erased_record WHERE salesforce_id = ANY (i.candidates)))
 WHERE i.org_id = %(org_id)s
   AND i.candidates && ARRAY(SELECT salesforce_id FROM erased_record);

-- name: erase_decisions
-- Erase decisions about the person, with their reasons.
-- Params: org_id text | Rows: none
DELETE FROM match_decision d
 WHERE d.org_id = %(org_id)s AND d.salesforce_id IN (SELECT salesforce_id FROM erased_record)
    OR EXISTS (SELECT FROM erased_contact x WHERE x.workspace_id = d.workspace_id AND x.respond_id = d.respond_id);

-- name: erase_creations
-- Erase creations for the person.
-- Params: org_id text | Rows: none
DELETE FROM contact_creation c
 WHERE c.org_id = %(org_id)s AND c.salesforce_id IN (SELECT salesforce_id FROM erased_record)
    OR EXISTS (SELECT FROM erased_contact x WHERE x.workspace_id = c.workspace_id AND x.respond_id = c.respond_id);

-- name: erase_claims
-- Erase claims of the person's keys.
-- Params: org_id text | Rows: none
DELETE FROM creation_claim c
 WHERE c.salesforce_id IN (SELECT salesforce_id FROM erased_record)
    OR EXISTS (
       SELECT FROM erased_key k JOIN workspace w ON w.org_id = %(org_id)s
        WHERE k.is_own AND w.workspace_id = c.workspace_id AND k.kind = c.kind AND k.key = c.key);

-- name: erase_samples
-- Take the person out of the samples of withheld changes.
-- Params: org_id text | Rows: none
UPDATE held_change h
   SET sample_ids = ARRAY(SELECT s FROM unnest(h.sample_ids) WITH ORDINALITY AS listed (s, place)
                           WHERE s NOT IN (SELECT salesforce_id FROM erased_record)
                             AND s NOT IN (SELECT respond_id::text FROM erased_contact)
                           ORDER BY place)
 WHERE h.org_id = %(org_id)s
   AND h.sample_ids && ARRAY(SELECT salesforce_id FROM erased_record UNION ALL SELECT respond_id::text FROM erased_contact);

-- name: erase_quality_samples
-- Take the person out of the samples of the quality checks.
-- Params: org_id text | Rows: none
UPDATE quality_result r
   SET sample_ids = ARRAY(SELECT s FROM unnest(r.sample_ids) WITH ORDINALITY AS listed (s, place)
                           WHERE s NOT IN (SELECT salesforce_id FROM erased_record) ORDER BY place)
  FROM quality_run q
 WHERE q.quality_run_id = r.quality_run_id
   AND q.org_id = %(org_id)s
   AND r.sample_ids && ARRAY(SELECT salesforce_id FROM erased_record);

-- name: erase_keys
-- Erase the person's keys on both sides.
-- Params: org_id text | Rows: none
WITH theirs AS (
    DELETE FROM salesforce_key WHERE org_id = %(org_id)s AND salesforce_id IN (SELECT salesforce_id FROM erased_record)
)
DELETE FROM respond_key r
 USING erased_contact x
 WHERE r.workspace_id = x.workspace_id AND r.respond_id = x.respond_id;

-- name: withhold_erased_keys
-- Take an erased person's keys from others who hold them: they identify nobody any more.
-- Params: org_id text | Rows: none
WITH theirs AS (
    DELETE FROM salesforce_key s USING erased_key k
     WHERE s.org_id = %(org_id)s AND s.kind IN (k.kind, k.kind || '_raw') AND k.is_own
       AND (s.key = k.key OR s.kind = 'phone_raw' AND starts_with(s.key, k.key || ' ') OR s.kind = 'email_raw' AND EXISTS (
           SELECT FROM key_rule r WHERE r.kind = k.kind AND r.key = k.key AND r.raw_digest = sha256(convert_to(s.key, 'UTF8'))))
)
DELETE FROM respond_key s USING erased_key k
 WHERE s.org_id = %(org_id)s AND s.kind IN (k.kind, k.kind || '_raw') AND k.is_own
   AND (s.key = k.key OR s.kind = 'phone_raw' AND starts_with(s.key, k.key || ' ') OR s.kind = 'email_raw' AND EXISTS (
       SELECT FROM key_rule r WHERE r.kind = k.kind AND r.key = k.key AND r.raw_digest = sha256(convert_to(s.key, 'UTF8'))));

-- name: erase_rules
-- Erase what the person's own values became.
-- Params: none | Rows: none
DELETE FROM key_rule r
 USING erased_key k
 WHERE k.is_own
   AND k.kind = r.kind
   AND k.key = r.key;

-- name: erase_unusable_rules
-- Erase what the person's values that are no keys became, unless they say nothing about anybody.
-- Params: none | Rows: none
DELETE FROM key_rule r
 USING erased_value v
 WHERE r.raw_digest = v.digest
   AND r.kind IN ('email', 'phone')
   AND r.key IS NULL
   AND r.reason NOT IN ('empty', 'placeholder');

-- name: erase_mirrored
-- Erase the person's records and contacts.
-- Params: org_id text | Rows: none
WITH theirs AS (
    DELETE FROM salesforce_contact WHERE org_id = %(org_id)s AND salesforce_id IN (SELECT salesforce_id FROM erased_record)
), listed AS (
    DELETE FROM salesforce_listing WHERE org_id = %(org_id)s AND salesforce_id IN (SELECT salesforce_id FROM erased_record)
), wanted AS (
    DELETE FROM absent_winner WHERE org_id = %(org_id)s AND salesforce_id IN (SELECT salesforce_id FROM erased_record)
), looked AS (
    DELETE FROM respond_look l USING erased_contact x WHERE l.workspace_id = x.workspace_id AND l.respond_id = x.respond_id
), met AS (
    DELETE FROM respond_walk_seen s
     USING erased_contact x JOIN respond_walk w USING (workspace_id)
     WHERE s.walk_id = w.walk_id AND s.respond_id = x.respond_id
)
DELETE FROM respond_contact r
 USING erased_contact x
 WHERE r.workspace_id = x.workspace_id AND r.respond_id = x.respond_id;

-- name: erase_landed
-- Erase the person's rows on their way into the mirror, and count them on their windows.
-- Params: org_id text | Rows: none
WITH theirs AS (
    DELETE FROM salesforce_landing l
     USING extract_window w
     WHERE w.window_id = l.window_id AND w.org_id = %(org_id)s
       AND l.record ->> 'Id' IN (SELECT salesforce_id FROM erased_record)
    RETURNING l.window_id
), named AS (
    SELECT s.window_id, s.locator,
           ARRAY(SELECT id FROM unnest(s.salesforce_ids) AS id WHERE id NOT IN (SELECT salesforce_id FROM erased_record)) AS others,
           cardinality(s.salesforce_ids) AS ids
      FROM merged_set s
      JOIN extract_window w USING (window_id)
     WHERE w.org_id = %(org_id)s
       AND s.salesforce_ids && ARRAY(SELECT salesforce_id FROM erased_record)
), struck AS (
    UPDATE merged_set s
       SET salesforce_ids = n.others, rows_landed = cardinality(n.others)
      FROM named n
     WHERE s.window_id = n.window_id AND s.locator = n.locator
    RETURNING s.window_id, n.ids - cardinality(n.others) AS rows
)
UPDATE extract_window w
   SET rows_erased = rows_erased + t.rows
  FROM (SELECT window_id, sum(rows) AS rows
          FROM (SELECT window_id, 1 AS rows FROM theirs UNION ALL SELECT window_id, rows FROM struck) AS each
         GROUP BY window_id) AS t
 WHERE w.window_id = t.window_id;

-- name: erase_quarantined
-- Erase the person's rows in quarantine: of their ids, with their e-mail, or with another value of theirs and nobody's id or e-mail.
-- Params: org_id text | Rows: none
DELETE FROM quarantined_row q
 WHERE (q.org_id = %(org_id)s AND q.salesforce_id IN (SELECT salesforce_id FROM erased_record))
    OR EXISTS (
       SELECT FROM erased_contact x
        WHERE x.workspace_id = q.workspace_id AND q.respond_id = x.respond_id)
    OR ((q.org_id = %(org_id)s
         OR q.workspace_id IN (SELECT workspace_id FROM workspace WHERE org_id IS NULL OR org_id = %(org_id)s))
        AND EXISTS (
            SELECT FROM erased_value v
              LEFT JOIN erased_key k ON k.kind = v.kind AND k.key = v.key AND k.is_own
             WHERE strpos(lower(q.raw), lower(v.value)) > 0
               AND (q.salesforce_id IS NULL OR q.salesforce_id !~ '^[a-zA-Z0-9]{18}$'
                    -- a whole value: ann@x.com is not joann@x.com
                    OR k.key IS NOT NULL AND (v.kind = 'email' OR strpos(q.raw, '@') = 0)
                       AND lower(q.raw) ~ ('(^|[^a-z0-9._+-])' || regexp_replace(lower(v.value), '([^[:alnum:]])', '\\\1', 'g')
                                           || '($|[^a-z0-9.-])'))));

-- name: erase_changes
-- Erase what the change feed says about the person, and what the statements before this one made it say.
-- Params: org_id text | Rows: none
DELETE FROM pending_change p
 WHERE p.org_id = %(org_id)s
   AND (p.entity_id IN (SELECT salesforce_id FROM erased_record)
        OR p.entity_id IN (SELECT kind || ':' || key FROM erased_key)
        OR EXISTS (SELECT FROM erased_contact x WHERE x.workspace_id = p.workspace_id AND x.respond_id::text = p.entity_id));

-- name: erase_shared_changes
-- Erase the person from rows of the change feed that name several entities.
-- Params: org_id text | Rows: none
WITH erased AS (
    SELECT salesforce_id AS entity_id, NULL AS workspace_id FROM erased_record
     UNION ALL
    SELECT kind || ':' || key, NULL FROM erased_key
     UNION ALL
    SELECT respond_id::text, workspace_id FROM erased_contact
)
UPDATE pending_change p
   SET entity_ids = ARRAY(
       SELECT e.entity_id FROM unnest(p.entity_ids) AS e (entity_id)
        WHERE NOT EXISTS (
              SELECT FROM erased x WHERE x.entity_id = e.entity_id AND x.workspace_id IS NOT DISTINCT FROM p.workspace_id))
 WHERE p.org_id = %(org_id)s
   AND p.entity_ids && (SELECT array_agg(entity_id) FROM erased);

-- name: feed_contacts_of_org
-- Have all contacts of an org normalized anew: an erased person's key was taken from those who share it.
-- Params: org_id text | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity)
SELECT org_id, NULL, 'salesforce_contact' FROM salesforce_org WHERE org_id = %(org_id)s
 UNION ALL
SELECT org_id, workspace_id, 'respond_contact' FROM workspace WHERE org_id = %(org_id)s;

-- name: select_orgs_of_record
-- List the orgs whose mirror or quarantine holds a record.
-- Params: salesforce_id text | Rows: 0..n (org_id)
SELECT org_id FROM salesforce_contact WHERE salesforce_id = %(salesforce_id)s
 UNION
SELECT org_id FROM quarantined_row WHERE salesforce_id = %(salesforce_id)s AND org_id IS NOT NULL;
