-- Windows of Salesforce contacts: landed page by page, merged from a temporary page of text columns (csv_page), proven.
-- extract_window: running > proven | short (read again) | split (two halves) | failed | deferred; only what is proven moves the watermark.

-- name: list_orgs_due
-- List the connected orgs whose next small window may begin.
-- Params: none | Rows: 0..n (org_id)
SELECT org_id
  FROM salesforce_org o
 WHERE connected_at IS NOT NULL
   AND disconnected_at IS NULL
   -- grace: a run that ended late must not let a scheduler that ticks every poll_seconds skip the next tick
   AND (polled_at IS NULL OR polled_at <= now() - make_interval(secs => poll_seconds - least(20, poll_seconds / 2.0)))
   -- whether a used-up day has rolled on is asked every five minutes
   AND NOT EXISTS (
       SELECT FROM stage_run r
        WHERE r.stage = 'extract_salesforce_contacts'
          AND r.scope = o.org_id
          AND r.status = 'deferred'
          AND r.started_at > now() - interval '280 seconds')
 ORDER BY org_id;

-- name: touch_org_polled
-- Remember that a small window of the org was read.
-- Params: org_id text | Rows: none
UPDATE salesforce_org
   SET polled_at = now()
 WHERE org_id = %(org_id)s;

-- name: select_watermark
-- Read up to where the org's contacts are proven complete; null before the first window.
-- Params: org_id text | Rows: 1 (read_until)
SELECT max(read_until) AS read_until
  FROM proven_window
 WHERE org_id = %(org_id)s
   AND kind IN ('initial', 'incremental');

-- name: select_unfilled_fields
-- List the chosen fields that no proven full read has brought yet.
-- Params: org_id text, fields text[] | Rows: 0..n (field_name)
SELECT f AS field_name
  FROM unnest(%(fields)s::text[]) AS f
 WHERE NOT EXISTS (
       SELECT FROM proven_window w
        WHERE w.org_id = %(org_id)s
          AND w.kind IN ('initial', 'refill')
          AND w.read_from IS NULL
          AND f = ANY (w.fields)
          -- what changed while the field could not be read was read without it
          AND NOT EXISTS (
              SELECT FROM salesforce_field g
               WHERE g.org_id = w.org_id AND g.name = f AND g.regained_at > w.started_at))
 ORDER BY f;

-- name: fail_abandoned_windows
-- Close windows whose worker died: their rows were never merged, the watermark never moved.
-- Params: org_id text | Rows: none
UPDATE extract_window
   SET status = 'failed', finished_at = now(), detail = 'its worker stopped; read again by the next window'
 WHERE org_id = %(org_id)s
   -- planned and small: the half of a window whose other half died
   AND status IN ('planned', 'running', 'short')
   -- the daily comparison has windows and a lock of its own
   AND kind <> 'reconcile'
   AND NOT is_big;

-- name: delete_abandoned_landing
-- Drop landed rows, and the notes of sets, of windows that nobody will go on with: only a big one that was put off is resumed.
-- Params: org_id text | Rows: none
WITH forgotten AS (
    DELETE FROM merged_set s
     USING extract_window w
     WHERE w.window_id = s.window_id
       AND w.org_id = %(org_id)s
       AND w.status <> 'running'
       AND NOT (w.is_big AND w.status IN ('planned', 'deferred'))
)
DELETE FROM salesforce_landing l
 USING extract_window w
 WHERE w.window_id = l.window_id
   AND w.org_id = %(org_id)s
   AND w.status <> 'running'
   AND NOT (w.is_big AND w.status IN ('planned', 'deferred'));

-- name: insert_window
-- Begin a window.
-- Params: org_id text, kind text, read_from timestamptz, fields text[] | Rows: 1 (window_id)
INSERT INTO extract_window (org_id, kind, read_from, fields, status, started_at, heartbeat_at)
VALUES (%(org_id)s, %(kind)s, %(read_from)s, %(fields)s, 'running', now(), now())
RETURNING window_id;

-- name: reopen_window
-- Begin a small window of the kind that was put off, if there is one: a used-up day leaves one window and not one a try.
-- Params: org_id text, kind text, read_from timestamptz, fields text[] | Rows: 0..1 (window_id)
UPDATE extract_window
   SET status = 'running', read_from = %(read_from)s, fields = %(fields)s, read_until = NULL, queried_at = NULL, rows_reported = NULL,
       rows_landed = 0, rows_distinct = 0, rows_quarantined = 0, rows_erased = 0, detail = NULL, finished_at = NULL,
       started_at = now(), heartbeat_at = now()
 WHERE window_id = (SELECT max(window_id) FROM extract_window
                     WHERE org_id = %(org_id)s AND kind = %(kind)s AND status = 'deferred' AND NOT is_big AND split_from IS NULL)
RETURNING window_id;

-- name: restart_window
-- Read a short window again, from nothing.
-- Params: window_id bigint | Rows: none
WITH emptied AS (
    DELETE FROM salesforce_landing
     WHERE window_id = %(window_id)s
), forgotten AS (
    DELETE FROM merged_set
     WHERE window_id = %(window_id)s
)
UPDATE extract_window
   SET status = 'running', rows_reported = NULL, rows_landed = 0, rows_distinct = 0, rows_quarantined = 0, rows_erased = 0,
       heartbeat_at = now()
 WHERE window_id = %(window_id)s;

-- name: record_page
-- Note a landed page: what Salesforce reported, its clock at the first page, the calls made so far.
-- Params: window_id bigint, rows_reported bigint, rows_quarantined bigint, read_until timestamptz, api_calls bigint | Rows: none
UPDATE extract_window
   SET rows_reported = %(rows_reported)s,
       rows_quarantined = rows_quarantined + %(rows_quarantined)s,
       read_until = coalesce(read_until, %(read_until)s),
       queried_at = coalesce(queried_at, %(read_until)s),
       api_calls = api_calls + %(api_calls)s,
       heartbeat_at = now()
 WHERE window_id = %(window_id)s;

-- name: insert_quarantined_row
-- Keep a row that could not be taken, once, with its reason.
-- Params: org_id text, workspace_id text, salesforce_id text, window_id bigint, raw text, reason text | Rows: none
INSERT INTO quarantined_row (org_id, workspace_id, salesforce_id, window_id, raw, reason)
VALUES (%(org_id)s, %(workspace_id)s, %(salesforce_id)s, %(window_id)s, %(raw)s, %(reason)s)
ON CONFLICT DO NOTHING;

-- name: fill_page
-- Spread a window's landed records over the columns of the page.
-- Params: window_id bigint, names text[] | Rows: 1
SELECT fill_csv_page(%(window_id)s, %(names)s::text[]);

-- name: quarantine_page_rows
-- Move rows of the page that break a row rule to quarantine, with the rule; count them on the window.
-- Params: window_id bigint, org_id text | Rows: 1 (rows)
WITH judged AS (
    SELECT place, record,
           CASE WHEN coalesce(record ->> 'Id', '') !~ '^[a-zA-Z0-9]{18}$' THEN 'the Id has not 18 characters'
                WHEN NOT coalesce(is_timestamp(record ->> 'SystemModstamp'), false) THEN 'SystemModstamp is no time'
                WHEN NOT coalesce(is_timestamp(record ->> 'CreatedDate'), true) THEN 'CreatedDate is no time'
                WHEN NOT coalesce(is_timestamp(record ->> 'LastModifiedDate'), true) THEN 'LastModifiedDate is no time'
                WHEN record ->> 'CreatedById' !~ '^[a-zA-Z0-9]{18}$' THEN 'CreatedById has not 18 characters'
                WHEN record ->> 'LastModifiedById' !~ '^[a-zA-Z0-9]{18}$' THEN 'LastModifiedById has not 18 characters'
                WHEN record ->> 'MasterRecordId' !~ '^[a-zA-Z0-9]{18}$' THEN 'MasterRecordId has not 18 characters'
                WHEN record ->> 'IsDeleted' NOT IN ('true', 'false') THEN 'IsDeleted is neither true nor false'
           END AS reason
      FROM (SELECT ctid AS place, to_jsonb(c) AS record FROM csv_page c) AS page
), bad AS (
    DELETE FROM csv_page c
     USING judged j
     WHERE c.ctid = j.place AND j.reason IS NOT NULL
    RETURNING j.record, j.reason
), kept AS (
    INSERT INTO quarantined_row (org_id, salesforce_id, window_id, raw, reason)
    SELECT %(org_id)s, record ->> 'Id', %(window_id)s, record::text, reason FROM bad
    ON CONFLICT DO NOTHING
), counted AS (
    UPDATE extract_window
       SET rows_quarantined = rows_quarantined + (SELECT count(*) FROM bad)
     WHERE window_id = %(window_id)s
       -- rows that an audit adds to a proven window are no part of its proof
       AND status = 'running'
)
SELECT count(*) AS rows FROM bad;

-- name: resolve_quarantined_rows
-- Mark quarantined rows as resolved whose contact has landed since; a formula window reads too few fields to tell.
-- Params: window_id bigint, org_id text | Rows: none
UPDATE quarantined_row q
   SET resolved_at = now()
  FROM csv_page c
 WHERE q.org_id = %(org_id)s
   AND q.salesforce_id = c."Id"
   AND q.resolved_at IS NULL
   AND EXISTS (SELECT FROM extract_window w WHERE w.window_id = %(window_id)s AND w.kind <> 'formula');

-- name: merge_page
-- Merge the page into the mirror: newer stamp wins, at equal stamps the later read; equal content writes nothing.
-- Params: window_id bigint, names text[], payload_names text[], payload_types text[] | Rows: 1 (rows_merged, rows_new)
SELECT rows_merged, rows_new
  FROM merge_csv_page(%(window_id)s, %(names)s::text[], %(payload_names)s::text[], %(payload_types)s::text[]);

-- name: keep_applied_edits
-- Give contacts that were read before an edit reached them what Salesforce stored for it since the window began.
-- Params: window_id bigint | Rows: none
WITH latest AS (
    SELECT DISTINCT ON (e.target_salesforce_id, e.field_name) e.org_id, e.target_salesforce_id AS salesforce_id, e.field_name,
           e.stored_modstamp, canonical_value(e.stored_value, coalesce(f.type, 'string')) AS value
      FROM extract_window w
      JOIN field_edit e ON e.org_id = w.org_id AND e.status = 'applied' AND e.settled_at >= w.started_at
      LEFT JOIN salesforce_field f ON f.org_id = e.org_id AND f.name = e.field_name
     WHERE w.window_id = %(window_id)s
       AND e.stored_modstamp IS NOT NULL
     ORDER BY e.target_salesforce_id, e.field_name, e.stored_modstamp DESC, e.edit_id DESC
), kept AS (
    SELECT m.org_id, m.salesforce_id, jsonb_object_agg(l.field_name, l.value) AS payload
      FROM latest l
      JOIN salesforce_contact m USING (org_id, salesforce_id)
     WHERE m.presence = 'live'
       AND m.system_modstamp < l.stored_modstamp
     GROUP BY m.org_id, m.salesforce_id
)
UPDATE salesforce_contact m
   SET payload = m.payload || (k.payload - ARRAY['FirstName', 'LastName', 'MailingCountry']),
       first_name = CASE WHEN k.payload ? 'FirstName' THEN k.payload ->> 'FirstName' ELSE m.first_name END,
       last_name = CASE WHEN k.payload ? 'LastName' THEN k.payload ->> 'LastName' ELSE m.last_name END,
       country = CASE WHEN k.payload ? 'MailingCountry' THEN k.payload ->> 'MailingCountry' ELSE m.country END
  FROM kept k
 WHERE m.org_id = k.org_id
   AND m.salesforce_id = k.salesforce_id
   -- a contact that is not of this page holds them already
   AND NOT (jsonb_build_object('FirstName', m.first_name, 'LastName', m.last_name, 'MailingCountry', m.country) || m.payload)
       @> k.payload;

-- name: record_merged_page
-- Note what the page brought, for the proof; a set that is merged in parts adds up.
-- Params: window_id bigint, locator text, next_locator text, rows_merged bigint, rows_new bigint | Rows: none
INSERT INTO merged_set AS so_far (window_id, locator, next_locator, rows_landed, rows_missing, rows_merged, rows_new, salesforce_ids)
SELECT %(window_id)s, %(locator)s, %(next_locator)s, count(*),
       -- every row of the page was written: nothing can be missing
       CASE WHEN count(*) = %(rows_merged)s THEN 0 ELSE count_missing_of_csv_page(%(window_id)s) END,
       %(rows_merged)s, %(rows_new)s, coalesce(array_agg("Id"), '{}')
  FROM csv_page
ON CONFLICT (window_id, locator) DO UPDATE
   SET rows_landed = so_far.rows_landed + excluded.rows_landed, rows_missing = so_far.rows_missing + excluded.rows_missing,
       rows_merged = so_far.rows_merged + excluded.rows_merged, rows_new = so_far.rows_new + excluded.rows_new,
       salesforce_ids = so_far.salesforce_ids || excluded.salesforce_ids;

-- name: prove_window
-- Close a window: proven if every reported row landed or is quarantined and every landed id is in the mirror, else short.
-- Params: window_id bigint | Rows: 1 (status, read_until, rows_reported, rows_landed, rows_distinct, rows_quarantined, rows_merged)
WITH merged AS (
    SELECT coalesce(sum(rows_landed), 0) AS rows_landed, coalesce(sum(rows_missing), 0) AS rows_missing,
           coalesce(sum(rows_merged), 0) AS rows_merged, coalesce(sum(rows_new), 0) AS rows_new
      FROM merged_set
     WHERE window_id = %(window_id)s
), met AS (
    -- what was inserted row by row is distinct; only what the mirror knew in part is counted
    SELECT CASE WHEN m.rows_new = m.rows_landed THEN m.rows_landed
                ELSE (SELECT count(DISTINCT id COLLATE "C")
                        FROM merged_set s
                       CROSS JOIN LATERAL unnest(s.salesforce_ids) AS id
                       WHERE s.window_id = %(window_id)s) END AS rows_distinct
      FROM merged m
)
UPDATE extract_window w
   SET rows_landed = m.rows_landed + w.rows_erased, rows_distinct = d.rows_distinct, rows_merged = m.rows_merged,
       status = CASE WHEN m.rows_missing = 0
                      AND w.rows_reported = m.rows_landed + w.rows_erased + w.rows_quarantined
                      -- a job's results are of one moment: an id met twice stands for one that was not met
                      AND (w.bulk_job_id IS NULL OR d.rows_distinct = m.rows_landed)
                     THEN 'proven' ELSE 'short' END,
       finished_at = now()
  FROM merged m, met d
 WHERE w.window_id = %(window_id)s
RETURNING w.status, w.read_until, w.rows_reported, w.rows_landed, w.rows_distinct, w.rows_quarantined, w.rows_merged;

-- name: delete_landed_rows
-- Empty the landing of a window.
-- Params: window_id bigint | Rows: none
DELETE FROM salesforce_landing
 WHERE window_id = %(window_id)s;

-- name: delete_merged_sets
-- Forget the sets of a window that was proven, or is read again.
-- Params: window_id bigint | Rows: none
DELETE FROM merged_set
 WHERE window_id = %(window_id)s;

-- name: end_window
-- End a window that could not be read: failed or deferred, with the reason.
-- Params: window_id bigint, status text, detail text | Rows: none
UPDATE extract_window
   SET status = %(status)s, detail = %(detail)s, finished_at = now()
 WHERE window_id = %(window_id)s;
