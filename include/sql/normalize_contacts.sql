-- Raw values become keys: each distinct raw value is normalized once (key_rule), then the keys of changed contacts are replaced.
-- The changes it consumes are deleted in the transaction that writes the keys; a crash leaves both as they were.
-- Batches run side by side in rounds: what is fed meanwhile waits for the next one, so no older reading is written after a newer.

-- name: list_orgs_with_changes
-- List the connected orgs with something to normalize, match or materialize, or whose suites are a day old or held.
-- Params: none | Rows: 0..n (org_id)
SELECT o.org_id
  FROM salesforce_org o
  LEFT JOIN LATERAL (
       SELECT ran_at, verdict FROM quality_run r WHERE r.org_id = o.org_id ORDER BY quality_run_id DESC LIMIT 1) AS q ON true
 WHERE o.disconnected_at IS NULL
   AND (q.verdict = 'held' OR q.ran_at < now() - interval '23 hours'
        OR EXISTS (SELECT FROM pending_change p WHERE p.org_id = o.org_id))
 ORDER BY o.org_id;

-- name: create_normalize_tables
-- Make the working tables, once a session; they are empty again after each transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS changed_salesforce (salesforce_id text PRIMARY KEY, family text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS changed_respond (workspace_id text, respond_id bigint, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS salesforce_raw (
    salesforce_id salesforce_id, effective_id salesforce_id, kind text, source_field text, region text, raw text, raw_digest bytea) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS respond_raw (workspace_id text, respond_id bigint, kind text, region text, raw text, raw_digest bytea) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS met_rule (
    kind text, region text, raw text, raw_digest bytea, is_known boolean, is_current boolean, key text, reason text, national text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS wanted_salesforce_key (kind text, key text, salesforce_id salesforce_id, effective_id salesforce_id, source_fields text[]) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS wanted_respond_key (workspace_id text, kind text, key text, respond_id bigint) ON COMMIT DELETE ROWS;

-- name: create_rule_table
-- Make the working table of new rules, once a session; it is empty again after each transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS new_rule (
    kind text, region text, raw_digest bytea, is_known boolean, key text, e164 text, reason text, national text) ON COMMIT DELETE ROWS;

-- name: hold_off_settling
-- Let no recent rule move until this transaction ends: one that was not found would be made a second time.
-- Params: none | Rows: 1
SELECT pg_advisory_xact_lock_shared(hashtextextended('contact_sync key_rule', 0));

-- name: spread_salesforce_changes
-- Name the contacts that a change of the whole org means, so that they can be worked off a batch at a time.
-- Params: org_id text | Rows: none
WITH whole AS (
    DELETE FROM pending_change
     WHERE org_id = %(org_id)s AND entity = 'salesforce_contact' AND entity_id IS NULL AND entity_ids IS NULL
    RETURNING queued_at
)
INSERT INTO pending_change (org_id, entity, entity_ids, queued_at)
SELECT %(org_id)s, 'salesforce_contact', array_agg(c.salesforce_id), (SELECT min(queued_at) FROM whole)
  FROM (SELECT salesforce_id, (row_number() OVER (ORDER BY salesforce_id) - 1) / 1000 AS share
          FROM salesforce_contact
         WHERE org_id = %(org_id)s AND EXISTS (SELECT FROM whole)) AS c
 GROUP BY c.share;

-- name: spread_respond_changes
-- Name the contacts that a change of a whole workspace means.
-- Params: org_id text | Rows: none
WITH whole AS (
    DELETE FROM pending_change
     WHERE org_id = %(org_id)s AND entity = 'respond_contact' AND entity_id IS NULL AND entity_ids IS NULL
    RETURNING workspace_id, queued_at
)
INSERT INTO pending_change (org_id, workspace_id, entity, entity_ids, queued_at)
SELECT %(org_id)s, c.workspace_id, 'respond_contact', array_agg(c.respond_id::text), min(c.queued_at)
  FROM (SELECT r.workspace_id, r.respond_id, w.queued_at,
               (row_number() OVER (PARTITION BY r.workspace_id ORDER BY r.respond_id) - 1) / 1000 AS share
          FROM (SELECT workspace_id, min(queued_at) AS queued_at FROM whole GROUP BY workspace_id) AS w
          JOIN respond_contact r USING (workspace_id)
         WHERE r.org_id = %(org_id)s) AS c
 GROUP BY c.workspace_id, c.share;

-- name: list_contact_batches
-- Share what waits on the feed among batches of about as many contacts: a worker's part of it, but no more than a batch holds.
-- Params: org_id text, batch_size int, least int, workers int | Rows: 0..n (change_ids)
WITH waiting AS (
    SELECT change_id, coalesce(cardinality(entity_ids), 1) AS contacts
      FROM pending_change
     WHERE org_id = %(org_id)s
       AND entity IN ('salesforce_contact', 'respond_contact')
       AND (entity_id IS NOT NULL OR entity_ids IS NOT NULL)
), part AS (
    SELECT least(%(batch_size)s, greatest(%(least)s, ceil(sum(contacts)::numeric / %(workers)s))) AS contacts FROM waiting
), numbered AS (
    SELECT w.change_id, div(sum(w.contacts) OVER (ORDER BY w.change_id) - w.contacts, part.contacts) AS batch
      FROM waiting w
     CROSS JOIN part
)
SELECT array_agg(change_id ORDER BY change_id) AS change_ids
  FROM numbered
 GROUP BY batch
 ORDER BY batch;

-- name: claim_salesforce_changes
-- Take a batch's changed Salesforce contacts off the feed, each with the family of values that changed if it is one.
-- Params: org_id text, change_ids bigint[] | Rows: none
WITH claimed AS (
    DELETE FROM pending_change
     WHERE org_id = %(org_id)s AND entity = 'salesforce_contact' AND change_id = ANY (%(change_ids)s::bigint[])
    RETURNING coalesce(entity_ids, ARRAY[entity_id]) AS ids, family
)
INSERT INTO changed_salesforce (salesforce_id, family)
SELECT e.salesforce_id, CASE WHEN count(DISTINCT coalesce(c.family, '')) = 1 THEN min(c.family) END
  FROM claimed c
 CROSS JOIN LATERAL unnest(c.ids) AS e (salesforce_id)
 GROUP BY e.salesforce_id;

-- name: claim_respond_changes
-- Take a batch's changed respond contacts off the feed.
-- Params: org_id text, change_ids bigint[] | Rows: none
WITH claimed AS (
    DELETE FROM pending_change
     WHERE org_id = %(org_id)s AND entity = 'respond_contact' AND change_id = ANY (%(change_ids)s::bigint[])
    RETURNING workspace_id, coalesce(entity_ids, ARRAY[entity_id]) AS ids
)
INSERT INTO changed_respond (workspace_id, respond_id)
SELECT workspace_id, unnest(ids)::bigint FROM claimed
ON CONFLICT DO NOTHING;

-- name: add_merged_losers
-- Add the records that were merged into a changed one, however many merges deep: whom they stand for may have changed.
-- Params: org_id text | Rows: none
WITH RECURSIVE loser AS (
    SELECT c.salesforce_id
      FROM changed_salesforce x
      JOIN salesforce_contact c ON c.org_id = %(org_id)s AND c.master_record_id = x.salesforce_id
     WHERE x.family IS NULL
    -- UNION, not UNION ALL: a cycle of merges ends here
     UNION
    SELECT c.salesforce_id
      FROM loser l
      JOIN salesforce_contact c ON c.org_id = %(org_id)s AND c.master_record_id = l.salesforce_id
)
INSERT INTO changed_salesforce (salesforce_id)
SELECT salesforce_id FROM loser
ON CONFLICT (salesforce_id) DO UPDATE
   SET family = NULL
 WHERE changed_salesforce.family IS NOT NULL;

-- name: widen_changes
-- Have all values of the changed Salesforce contacts looked at, whichever changed.
-- Params: none | Rows: none
UPDATE changed_salesforce
   SET family = NULL
 WHERE family IS NOT NULL;

-- name: analyze_changed
-- Let the planner know how many contacts changed.
-- Params: none | Rows: none
ANALYZE changed_salesforce, changed_respond;

-- name: analyze_contacts
-- Let the planner know what was written: after a first load it would read the whole mirror for each batch.
-- Params: changed bigint | Rows: 1
SELECT analyze_contacts(%(changed)s);

-- name: select_new_countries
-- List the distinct countries of changed contacts that have no rule of this version yet.
-- Params: org_id text, rules_version text | Rows: 0..n (country)
WITH named AS (
    SELECT c.country AS raw
      FROM changed_salesforce x
      JOIN salesforce_contact c ON c.org_id = %(org_id)s AND c.salesforce_id = x.salesforce_id
     WHERE x.family IS DISTINCT FROM 'email'
     UNION
    SELECT c.country
      FROM changed_respond x
      JOIN respond_contact c USING (workspace_id, respond_id)
)
SELECT n.raw AS country
  FROM named n
 WHERE n.raw IS NOT NULL
   AND NOT EXISTS (
       SELECT FROM key_rule r
        WHERE r.kind = 'country' AND r.region = '' AND r.raw_digest = sha256(convert_to(n.raw, 'UTF8'))
          AND r.rules_version = %(rules_version)s);

-- name: insert_salesforce_raw
-- List the raw values of changed contacts, all or one family, each with its digest and region, and the live one its record stands for.
-- Params: org_id text | Rows: none
INSERT INTO salesforce_raw (salesforce_id, effective_id, kind, source_field, region, raw, raw_digest)
-- ids of the mirror are of their domain: nothing about them is checked again
SELECT v.salesforce_id,
       -- merges are followed, however many; a chain that ends in a deleted one stands for nobody
       CASE v.presence WHEN 'live' THEN v.salesforce_id ELSE effective_contact_id(%(org_id)s, v.salesforce_id)::salesforce_id END,
       v.kind, v.source_field, v.region, v.raw, v.raw_digest
  FROM changed_salesforce x
 -- each contact by its id: a plan that begins with the view digests the whole mirror for a handful of changes
 CROSS JOIN LATERAL (
       SELECT s.salesforce_id, s.presence, s.kind, s.source_field, s.region, s.raw, s.raw_digest FROM salesforce_raw_value s
        WHERE s.org_id = %(org_id)s AND s.salesforce_id = x.salesforce_id AND s.kind = coalesce(x.family, s.kind) OFFSET 0) AS v;

-- name: insert_respond_raw
-- List the raw values of changed respond contacts, each with its digest and region.
-- Params: org_id text | Rows: none
INSERT INTO respond_raw (workspace_id, respond_id, kind, region, raw, raw_digest)
SELECT x.workspace_id, x.respond_id, v.kind, v.region, v.raw, v.raw_digest
  FROM changed_respond x
 CROSS JOIN LATERAL (
       SELECT s.kind, s.region, s.raw, s.raw_digest FROM respond_raw_value s
        WHERE s.org_id = %(org_id)s AND s.workspace_id = x.workspace_id AND s.respond_id = x.respond_id OFFSET 0) AS v;

-- name: analyze_raw
-- Let the planner know how many values there are.
-- Params: none | Rows: none
ANALYZE salesforce_raw (salesforce_id, kind, region, raw_digest), respond_raw (respond_id, kind, region, raw_digest);

-- name: insert_met_rules
-- Look up, once, the rule of each distinct raw value of the changed contacts.
-- Params: rules_version text | Rows: none
INSERT INTO met_rule (kind, region, raw, raw_digest, is_known, is_current, key, reason, national)
SELECT h.kind, h.region, h.raw, h.raw_digest, r.kind IS NOT NULL, r.rules_version IS NOT DISTINCT FROM %(rules_version)s,
       r.key, r.reason, r.national
  FROM (SELECT kind, region, raw, raw_digest FROM salesforce_raw UNION SELECT kind, region, raw, raw_digest FROM respond_raw) AS h
  LEFT JOIN key_rule r ON r.kind = h.kind AND r.region = h.region AND r.raw_digest = h.raw_digest;

-- name: select_new_values
-- List the distinct raw values of changed contacts that have no rule of this version yet, with what an older one said.
-- Params: none | Rows: 0..n (kind, region, raw, digest, is_known, old_key)
SELECT kind, region, raw, '\x' || encode(raw_digest, 'hex') AS digest, is_known, key AS old_key
  FROM met_rule
 WHERE NOT is_current;

-- name: limit_waiting
-- Let this transaction wait no longer for a row than another batch could possibly take to write its rules.
-- Params: none | Rows: none
SET LOCAL lock_timeout = '5min';

-- name: upsert_key_rules
-- Remember what the new values became: where an older rule is, or among the recent ones.
-- Params: rules_version text | Rows: none
WITH known AS (
    -- batches, or two orgs, may meet the same value at once: rows in one order cannot deadlock
    SELECT n.kind, n.region, n.raw_digest, n.key, n.e164, n.reason, n.national
      FROM new_rule n
      JOIN key_rule r ON r.raw_digest = n.raw_digest AND r.kind = n.kind AND r.region = n.region
     WHERE n.is_known
     ORDER BY r.raw_digest, r.kind, r.region
       FOR UPDATE OF r
), renewed AS (
    UPDATE key_rule r
       SET rules_version = %(rules_version)s, key = n.key, e164 = n.e164, reason = n.reason, national = n.national, used_at = now()
      FROM known n
     WHERE r.raw_digest = n.raw_digest
       AND r.kind = n.kind
       AND r.region = n.region
    RETURNING r.kind, r.region, r.raw_digest
)
INSERT INTO recent_key_rule (kind, region, raw_digest, rules_version, key, e164, reason, national)
SELECT n.kind, n.region, n.raw_digest, %(rules_version)s, n.key, n.e164, n.reason, n.national
  FROM new_rule n
 WHERE NOT EXISTS (SELECT FROM renewed k WHERE k.raw_digest = n.raw_digest AND k.kind = n.kind AND k.region = n.region)
 ORDER BY n.raw_digest, n.kind, n.region
ON CONFLICT (raw_digest, kind, region) DO UPDATE
   SET rules_version = excluded.rules_version, key = excluded.key, e164 = excluded.e164, reason = excluded.reason,
       national = excluded.national, used_at = now();

-- name: meet_new_rules
-- Let the values that had no rule of this version have the new one.
-- Params: none | Rows: none
WITH outdated AS (
    DELETE FROM met_rule WHERE NOT is_current
)
INSERT INTO met_rule (kind, region, raw_digest, key, reason, national)
SELECT kind, region, raw_digest, key, reason, national FROM new_rule;

-- name: analyze_met_rules
-- Let the planner know how many distinct values there are.
-- Params: none | Rows: none
ANALYZE met_rule (kind, region, raw_digest);

-- name: insert_wanted_salesforce_keys
-- Work out the keys that changed Salesforce contacts should have.
-- Params: org_id text | Rows: none
INSERT INTO wanted_salesforce_key (kind, key, salesforce_id, effective_id, source_fields)
SELECT k.kind, k.key, v.salesforce_id, v.effective_id, array_agg(DISTINCT v.source_field ORDER BY v.source_field)
  FROM salesforce_raw v
  JOIN met_rule r ON r.kind = v.kind AND r.region = v.region AND r.raw_digest = v.raw_digest
 CROSS JOIN LATERAL (
       SELECT v.kind, r.key WHERE r.key IS NOT NULL
        UNION ALL
       SELECT 'phone_national', r.national WHERE r.national IS NOT NULL
        UNION ALL
       -- raw bytes are kept only where a workspace compares them; an index entry has its limit. The same national number is
       -- another one in another country, so a phone's begin with its key
       SELECT v.kind || '_raw', CASE v.kind WHEN 'phone' THEN r.key || ' ' ELSE '' END || v.raw
        WHERE r.key IS NOT NULL AND octet_length(v.raw) <= 1000
          AND EXISTS (SELECT FROM workspace w WHERE w.org_id = %(org_id)s AND w.match_mode = 'exact')) AS k (kind, key)
 GROUP BY k.kind, k.key, v.salesforce_id, v.effective_id;

-- name: delete_unwanted_salesforce_keys
-- Drop the keys that changed Salesforce contacts no longer have, or that stand for another contact now.
-- Params: org_id text | Rows: none
DELETE FROM salesforce_key k
 USING changed_salesforce x
 WHERE k.org_id = %(org_id)s
   AND k.salesforce_id = x.salesforce_id
   AND split_part(k.kind, '_', 1) = coalesce(x.family, split_part(k.kind, '_', 1))
   AND NOT EXISTS (
       SELECT FROM wanted_salesforce_key w
        WHERE w.kind = k.kind AND w.key = k.key AND w.salesforce_id = k.salesforce_id
          AND w.effective_id IS NOT DISTINCT FROM k.effective_id AND w.source_fields = k.source_fields);

-- name: insert_missing_salesforce_keys
-- Write the keys that are new.
-- Params: org_id text | Rows: 1 (written)
SELECT insert_missing_salesforce_keys(%(org_id)s) AS written;

-- name: insert_wanted_respond_keys
-- Work out the keys that changed respond contacts should have.
-- Params: none | Rows: none
INSERT INTO wanted_respond_key (workspace_id, kind, key, respond_id)
SELECT DISTINCT v.workspace_id, k.kind, k.key, v.respond_id
  FROM respond_raw v
  JOIN workspace w ON w.workspace_id = v.workspace_id
  JOIN met_rule r ON r.kind = v.kind AND r.region = v.region AND r.raw_digest = v.raw_digest
 CROSS JOIN LATERAL (
       SELECT v.kind, r.key WHERE r.key IS NOT NULL
        UNION ALL
       SELECT 'phone_national', r.national WHERE r.national IS NOT NULL
        UNION ALL
       SELECT v.kind || '_raw', CASE v.kind WHEN 'phone' THEN r.key || ' ' ELSE '' END || v.raw
        WHERE w.match_mode = 'exact' AND r.key IS NOT NULL AND octet_length(v.raw) <= 1000) AS k (kind, key);

-- name: delete_unwanted_respond_keys
-- Drop the keys that changed respond contacts no longer have; those of another org are its own run's.
-- Params: org_id text | Rows: none
DELETE FROM respond_key k
 USING changed_respond x
 WHERE k.org_id = %(org_id)s
   AND k.workspace_id = x.workspace_id
   AND k.respond_id = x.respond_id
   AND NOT EXISTS (
       SELECT FROM wanted_respond_key w
        WHERE w.workspace_id = k.workspace_id AND w.kind = k.kind AND w.key = k.key AND w.respond_id = k.respond_id);

-- name: insert_missing_respond_keys
-- Write the keys that are new.
-- Params: org_id text | Rows: 1 (written)
SELECT insert_missing_respond_keys(%(org_id)s) AS written;

-- name: feed_keyless_respond_contacts
-- Tell matching of changed respond contacts that have no key at all: they need their reason.
-- Params: org_id text | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT %(org_id)s, x.workspace_id, 'respond_key', x.respond_id::text
  FROM changed_respond x
 WHERE NOT EXISTS (
       SELECT FROM respond_key k WHERE k.workspace_id = x.workspace_id AND k.respond_id = x.respond_id);

-- name: feed_most_recent_matches
-- Tell matching of respond contacts whose most recent candidate may be another one: when a record was created is no key.
-- Params: org_id text | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT DISTINCT m.org_id, m.workspace_id, 'respond_key', m.respond_id::text
  -- each key once: many changed records may share one with many contacts
  FROM (SELECT DISTINCT s.kind, s.key
          FROM changed_salesforce x
          JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.salesforce_id = x.salesforce_id) AS s
  JOIN respond_key r ON r.org_id = %(org_id)s AND r.kind = s.kind AND r.key = s.key
  JOIN contact_match m ON m.workspace_id = r.workspace_id AND m.respond_id = r.respond_id AND m.matched_by = 'most_recent'
 WHERE EXISTS (SELECT FROM workspace w WHERE w.org_id = %(org_id)s AND w.ambiguous_policy = 'most_recent');

-- name: feed_settled_respond_contacts
-- Tell matching of respond contacts whose decision or creation names a changed Salesforce contact, common keys or not.
-- Params: org_id text | Rows: none
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT w.org_id, w.workspace_id, 'respond_key', settled.respond_id::text
  FROM (SELECT d.workspace_id, d.respond_id
          FROM changed_salesforce x
          JOIN match_decision d ON d.org_id = %(org_id)s AND d.salesforce_id = x.salesforce_id AND d.revoked_at IS NULL
         UNION
        SELECT c.workspace_id, c.respond_id
          FROM changed_salesforce x
          JOIN contact_creation c ON c.org_id = %(org_id)s AND c.salesforce_id = x.salesforce_id
         WHERE c.respond_id IS NOT NULL) AS settled
  JOIN workspace w ON w.workspace_id = settled.workspace_id AND w.org_id = %(org_id)s;
