-- The daily comparison of all ids, both ways: what is missing here is fetched, what is missing there loses its presence.
-- salesforce_contact.presence: live | deleted > purged (the log or an earlier IsDeleted proves it) | not_visible; and back to live when it is listed.

-- name: fail_abandoned_comparisons
-- Close the windows of a comparison whose worker died.
-- Params: org_id text | Rows: none
UPDATE extract_window
   SET status = 'failed', finished_at = now(), detail = 'its worker stopped; the next comparison finds the same'
 WHERE org_id = %(org_id)s
   AND kind = 'reconcile'
   AND status IN ('running', 'short')
   AND NOT is_big;

-- name: select_listing_job
-- Read which job lists an org's ids, if one was left that is not too old to tell what there is.
-- Params: org_id text | Rows: 0..1 (job_id, begun_at)
SELECT listing_job_id AS job_id, listing_begun_at AS begun_at
  FROM salesforce_org
 WHERE org_id = %(org_id)s
   AND listing_begun_at > now() - interval '2 days';

-- name: record_listing_job
-- Write the job down before it is waited for, with Salesforce's clock when it was made; nulls forget it.
-- Params: org_id text, job_id text, begun_at timestamptz | Rows: none
UPDATE salesforce_org
   SET listing_job_id = %(job_id)s, listing_begun_at = %(begun_at)s
 WHERE org_id = %(org_id)s;

-- name: delete_listing
-- Empty an org's list of ids.
-- Params: org_id text | Rows: none
DELETE FROM salesforce_listing
 WHERE org_id = %(org_id)s;

-- name: insert_listed_page
-- Move a copied set of ids to the list.
-- Params: org_id text | Rows: none
INSERT INTO salesforce_listing (org_id, salesforce_id, system_modstamp, is_deleted)
SELECT %(org_id)s, p."Id", p."SystemModstamp"::timestamptz, p."IsDeleted"::boolean
  FROM (SELECT to_jsonb(c) ->> 'Id' AS "Id", to_jsonb(c) ->> 'SystemModstamp' AS "SystemModstamp",
               to_jsonb(c) ->> 'IsDeleted' AS "IsDeleted"
          FROM csv_page c) AS p
ON CONFLICT DO NOTHING;

-- name: count_listed
-- Count an org's listed ids.
-- Params: org_id text | Rows: 1 (ids)
SELECT count(*) AS ids
  FROM salesforce_listing
 WHERE org_id = %(org_id)s;

-- name: select_unlike_ids
-- List ids that the mirror lacks, holds at an older stamp, or under another presence than Salesforce says.
-- Params: org_id text, batch_size int | Rows: 0..batch_size (salesforce_id, system_modstamp)
SELECT l.salesforce_id, l.system_modstamp
  FROM salesforce_listing l
  LEFT JOIN salesforce_contact c ON c.org_id = l.org_id AND c.salesforce_id = l.salesforce_id
 WHERE l.org_id = %(org_id)s
   AND (c.salesforce_id IS NULL
        OR c.system_modstamp < l.system_modstamp
        OR (c.system_modstamp = l.system_modstamp
            AND c.presence <> CASE WHEN l.is_deleted THEN 'deleted' ELSE 'live' END))
   AND NOT EXISTS (
       SELECT FROM quarantined_row q
        WHERE q.org_id = l.org_id AND q.salesforce_id = l.salesforce_id AND q.resolved_at IS NULL)
 ORDER BY l.system_modstamp, l.salesforce_id
 LIMIT %(batch_size)s;

-- name: select_quarantined_ids
-- List contacts whose row could not be taken, latest first: they are tried again.
-- Params: org_id text, batch_size int | Rows: 0..batch_size (salesforce_id)
SELECT salesforce_id
  FROM quarantined_row
 WHERE org_id = %(org_id)s
   AND workspace_id IS NULL
   AND resolved_at IS NULL
   AND salesforce_id ~ '^[a-zA-Z0-9]{18}$'
 GROUP BY salesforce_id
 ORDER BY max(quarantined_at) DESC
 LIMIT %(batch_size)s;

-- name: plan_full_window
-- Plan a big window, unless one of the kind is open: more is missing than is asked for by id, or formulas are due.
-- Params: org_id text, kind text, read_from timestamptz, fields text[] | Rows: none
INSERT INTO extract_window (org_id, kind, read_from, fields, status, is_big)
SELECT %(org_id)s, %(kind)s, %(read_from)s, %(fields)s, 'planned', true
 WHERE NOT EXISTS (
       SELECT FROM extract_window
        WHERE org_id = %(org_id)s
          AND kind = %(kind)s
          AND is_big
          AND status IN ('planned', 'running', 'deferred'));

-- name: mark_purged
-- Mark contacts as purged that were read as deleted and are not listed any more, not even as deleted.
-- Params: org_id text, listed_at timestamptz | Rows: none
UPDATE salesforce_contact c
   SET presence = 'purged', read_at = %(listed_at)s, extracted_at = now()
 WHERE c.org_id = %(org_id)s
   AND c.read_at < %(listed_at)s
   AND c.presence = 'deleted'
   AND NOT EXISTS (
       SELECT FROM salesforce_listing l
        WHERE l.org_id = c.org_id AND l.salesforce_id = c.salesforce_id);

-- name: has_unexplained_absence
-- Tell whether a contact is not listed and nobody knows why; who is not visible for long is not looked for again.
-- Params: org_id text, listed_at timestamptz | Rows: 1 (is_anybody_missing)
SELECT EXISTS (
       SELECT FROM salesforce_contact c
        WHERE c.org_id = %(org_id)s
          AND c.read_at < %(listed_at)s
          AND (c.presence = 'live' OR (c.presence = 'not_visible' AND c.extracted_at > now() - interval '14 days'))
          AND NOT EXISTS (
              SELECT FROM salesforce_listing l
               WHERE l.org_id = c.org_id AND l.salesforce_id = c.salesforce_id)) AS is_anybody_missing;

-- name: mark_logged_purges
-- Mark contacts as purged that are not listed and that the log of deletions names.
-- Params: org_id text, listed_at timestamptz, deleted_ids text[] | Rows: none
UPDATE salesforce_contact c
   SET presence = 'purged', read_at = %(listed_at)s, extracted_at = now()
 WHERE c.org_id = %(org_id)s
   AND c.read_at < %(listed_at)s
   AND c.presence IN ('live', 'not_visible')
   AND c.salesforce_id = ANY (%(deleted_ids)s::text[])
   AND NOT EXISTS (
       SELECT FROM salesforce_listing l
        WHERE l.org_id = c.org_id AND l.salesforce_id = c.salesforce_id);

-- name: mark_not_visible
-- Mark live contacts as not visible that are not listed any more: purged, or no access.
-- Params: org_id text, listed_at timestamptz | Rows: none
UPDATE salesforce_contact c
   SET presence = 'not_visible', read_at = %(listed_at)s, extracted_at = now()
 WHERE c.org_id = %(org_id)s
   AND c.presence = 'live'
   -- what was read after the list began may be younger than the list
   AND c.read_at < %(listed_at)s
   AND NOT EXISTS (
       SELECT FROM salesforce_listing l
        WHERE l.org_id = c.org_id AND l.salesforce_id = c.salesforce_id);

-- name: upsert_match_days
-- Write down today's (UTC) counts of the org's workspaces.
-- Params: org_id text | Rows: none
INSERT INTO match_day AS held (org_id, workspace_id, day, matched, ambiguous, unmatched, reasons)
SELECT w.org_id, w.workspace_id, (now() AT TIME ZONE 'UTC')::date, m.matched, coalesce(i.ambiguous, 0),
       coalesce(i.unmatched, 0), coalesce(i.reasons, '{}')
  FROM workspace w
 CROSS JOIN LATERAL (
       SELECT count(*) AS matched FROM contact_match x WHERE x.workspace_id = w.workspace_id AND x.org_id = w.org_id) AS m
 CROSS JOIN LATERAL (
       SELECT sum(n) FILTER (WHERE status = 'ambiguous') AS ambiguous, sum(n) FILTER (WHERE status = 'unmatched') AS unmatched,
              jsonb_object_agg(reason, n) AS reasons
         FROM (SELECT x.status, x.reason, count(*) AS n FROM match_issue x
                WHERE x.workspace_id = w.workspace_id AND x.org_id = w.org_id
                GROUP BY x.status, x.reason) AS by_reason) AS i
 WHERE w.org_id = %(org_id)s
ON CONFLICT (org_id, workspace_id, day) DO UPDATE
   SET matched = excluded.matched, ambiguous = excluded.ambiguous, unmatched = excluded.unmatched, reasons = excluded.reasons;
