-- Tombstones: HMACs of the ids and keys of erased people. Whoever writes contacts asks here first, and pays nothing where nobody was erased.
-- The key of the HMAC reaches the server by COPY into a temporary table only, so that it stands in no statement and in no log.

-- name: hold_off_erasures
-- Let no erasure of the org begin until this transaction ends, and wait for one that runs.
-- Params: org_id text | Rows: 1
SELECT pg_advisory_xact_lock_shared(hashtextextended('erase:' || %(org_id)s::text, 0));

-- name: try_to_hold_off_erasures
-- The same where nobody may be waited for: somebody who stands in line for it may wait for us.
-- Params: org_id text | Rows: 1 (is_held)
SELECT pg_try_advisory_xact_lock_shared(hashtextextended('erase:' || %(org_id)s::text, 0)) AS is_held;

-- name: hold_off_erasures_of_workspace
-- Let no erasure of the org that a workspace serves begin until this transaction ends, and wait for one that runs.
-- Params: workspace_id text | Rows: 0..1
SELECT pg_advisory_xact_lock_shared(hashtextextended('erase:' || coalesce(org_id, '000000000000000AAA'), 0))
  FROM workspace
 WHERE workspace_id = %(workspace_id)s;

-- name: await_writers
-- Wait for the transactions that write contacts of the org, and keep others out until this one ends.
-- Params: org_id text | Rows: 1
SELECT pg_advisory_xact_lock(hashtextextended('erase:' || %(org_id)s::text, 0));

-- name: has_tombstones
-- Tell whether anybody was erased, of the org or, without one, at all; and whether it was under this secret.
-- Params: org_id text, proof bytea | Rows: 1 (are_there, are_readable)
SELECT EXISTS (SELECT FROM erased_person WHERE %(org_id)s::text IS NULL OR org_id = %(org_id)s::text) AS are_there,
       EXISTS (SELECT FROM erased_person WHERE digest = %(proof)s) AS are_readable;

-- name: select_erased_digests
-- Of these digests, list those that are tombstones.
-- Params: digests bytea[] | Rows: 0..n (digest)
SELECT DISTINCT digest
  FROM erased_person
 WHERE digest = ANY (%(digests)s::bytea[]);

-- name: create_pad_table
-- Make the temporary table that holds the key of the HMAC for one transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS tombstone_pad (inner_pad bytea, outer_pad bytea) ON COMMIT DROP;

-- name: delete_pads
-- Empty the table of the key.
-- Params: none | Rows: none
DELETE FROM tombstone_pad;

-- name: select_page_ids
-- Read whose rows a window's page holds, and what they were merged into.
-- Params: none | Rows: 1 (ids, losers, winners)
SELECT coalesce(array_agg("Id"), '{}') AS ids,
       coalesce(array_agg("Id") FILTER (WHERE "MasterRecordId" IS NOT NULL), '{}') AS losers,
       coalesce(array_agg("MasterRecordId") FILTER (WHERE "MasterRecordId" IS NOT NULL), '{}') AS winners
  FROM csv_page;

-- name: select_tombstones
-- Read an org's tombstones.
-- Params: org_id text | Rows: 0..n (digest)
SELECT digest
  FROM erased_person
 WHERE org_id = %(org_id)s;

-- name: drop_erased_rows
-- Leave the rows of erased people out of a window's page, and count them on the window.
-- Params: window_id bigint, ids text[] | Rows: none
WITH dropped AS (
    DELETE FROM csv_page
     WHERE "Id" = ANY (%(ids)s::text[])
    RETURNING 1
)
UPDATE extract_window
   SET rows_erased = rows_erased + (SELECT count(*) FROM dropped)
 WHERE window_id = %(window_id)s
   -- rows that an audit adds to a proven window are no part of its proof
   AND status = 'running';

-- name: delete_erased_records
-- Take records out of the mirror that turned out to be an erased person's; sidebar and matches follow by the change feed.
-- Params: org_id text, ids text[] | Rows: none
DELETE FROM salesforce_contact
 WHERE org_id = %(org_id)s
   AND salesforce_id = ANY (%(ids)s::text[]);

-- name: delete_erased_quarantine
-- Forget rows of erased people that a window put in quarantine.
-- Params: window_id bigint, org_id text | Rows: none
DELETE FROM quarantined_row q
 USING tombstone_pad p
 WHERE q.window_id = %(window_id)s
   AND EXISTS (
       SELECT FROM erased_person e
        WHERE e.org_id = %(org_id)s
          AND e.digest = keyed_digest(p.inner_pad, p.outer_pad, %(org_id)s || ':salesforce:' || q.salesforce_id));

-- name: delete_erased_listing
-- Leave erased people out of the list of all ids: nobody misses them.
-- Params: org_id text | Rows: none
DELETE FROM salesforce_listing l
 USING tombstone_pad p
 WHERE l.org_id = %(org_id)s
   AND EXISTS (
       SELECT FROM erased_person e
        WHERE e.org_id = l.org_id
          AND e.digest = keyed_digest(p.inner_pad, p.outer_pad, l.org_id || ':salesforce:' || l.salesforce_id));

-- name: insert_tombstones
-- Remember whom not to take in again.
-- Params: org_id text, digests bytea[] | Rows: none
INSERT INTO erased_person (org_id, digest)
SELECT %(org_id)s, digest
  FROM unnest(%(digests)s::bytea[]) AS digest
ON CONFLICT DO NOTHING;

-- name: delete_tombstones
-- Let somebody in again.
-- Params: org_id text, digests bytea[] | Rows: none
DELETE FROM erased_person
 WHERE org_id = %(org_id)s
   AND digest = ANY (%(digests)s::bytea[]);
