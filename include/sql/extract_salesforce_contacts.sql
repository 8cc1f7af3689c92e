-- Windows of Salesforce contacts: landed page by page, merged and proven in one transaction.
-- extract_window: running > proven | short (read again) | split (two halves) | failed | deferred; only what is proven moves the watermark.

-- name: list_orgs_due
-- List the connected orgs whose next small window may begin.
-- Params: none | Rows: 0..n (org_id)
SELECT org_id
  FROM salesforce_org
 WHERE connected_at IS NOT NULL
   AND disconnected_at IS NULL
   -- grace: a run that ended late must not let a scheduler that ticks every poll_seconds skip the next tick
   AND (polled_at IS NULL OR polled_at <= now() - make_interval(secs => poll_seconds - least(20, poll_seconds / 2.0)))
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
-- Drop landed rows of windows that nobody will go on with: only a big one that was put off is resumed.
-- Params: org_id text | Rows: none
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

-- name: restart_window
-- Read a short window again, from nothing.
-- Params: window_id bigint | Rows: none
WITH emptied AS (
    DELETE FROM salesforce_landing
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

-- name: quarantine_landed_rows
-- Move landed rows that break a row rule to quarantine, with the rule; count them on the window.
-- Params: window_id bigint, org_id text | Rows: none
WITH judged AS (
    SELECT row_number, record,
           CASE WHEN coalesce(record ->> 'Id', '') !~ '^[a-zA-Z0-9]{18}$' THEN 'the Id has not 18 characters'
                WHEN NOT coalesce(is_timestamp(record ->> 'SystemModstamp'), false) THEN 'SystemModstamp is no time'
                WHEN NOT coalesce(is_timestamp(record ->> 'CreatedDate'), true) THEN 'CreatedDate is no time'
                WHEN NOT coalesce(is_timestamp(record ->> 'LastModifiedDate'), true) THEN 'LastModifiedDate is no time'
                WHEN record ->> 'CreatedById' !~ '^[a-zA-Z0-9]{18}$' THEN 'CreatedById has not 18 characters'
                WHEN record ->> 'LastModifiedById' !~ '^[a-zA-Z0-9]{18}$' THEN 'LastModifiedById has not 18 characters'
                WHEN record ->> 'MasterRecordId' !~ '^[a-zA-Z0-9]{18}$' THEN 'MasterRecordId has not 18 characters'
           END AS reason
      FROM salesforce_landing
     WHERE window_id = %(window_id)s
), bad AS (
    DELETE FROM salesforce_landing l
     USING judged j
     WHERE l.window_id = %(window_id)s AND l.row_number = j.row_number AND j.reason IS NOT NULL
    RETURNING l.record, j.reason
), kept AS (
    INSERT INTO quarantined_row (org_id, salesforce_id, window_id, raw, reason)
    SELECT %(org_id)s, record ->> 'Id', %(window_id)s, record::text, reason FROM bad
    ON CONFLICT DO NOTHING
)
UPDATE extract_window
   SET rows_quarantined = rows_quarantined + (SELECT count(*) FROM bad)
 WHERE window_id = %(window_id)s
   -- rows that an audit adds to a proven window are no part of its proof
   AND status = 'running';

-- name: merge_landed_contacts
-- Merge a window's rows into the mirror: newer stamp wins, at equal stamps the later read; equal content writes nothing.
-- Params: window_id bigint, fields text[], payload_fields text[], payload_types text[] | Rows: none
WITH newest AS (
    SELECT DISTINCT ON (record ->> 'Id') record AS r, (record ->> 'SystemModstamp')::timestamptz AS stamp
      FROM salesforce_landing
     WHERE window_id = %(window_id)s
     ORDER BY record ->> 'Id', stamp DESC, row_number DESC
)
INSERT INTO salesforce_contact AS mirror (
       org_id, salesforce_id, first_name, last_name, email, phone, mobile_phone, home_phone, other_phone, country,
       payload, created_at, created_by_id, last_modified_at, last_modified_by_id, system_modstamp, presence,
       master_record_id, read_at)
SELECT w.org_id, r ->> 'Id', landed_or_kept(r, w.fields, 'FirstName', m.first_name),
       landed_or_kept(r, w.fields, 'LastName', m.last_name), landed_or_kept(r, w.fields, 'Email', m.email),
       landed_or_kept(r, w.fields, 'Phone', m.phone), landed_or_kept(r, w.fields, 'MobilePhone', m.mobile_phone),
       landed_or_kept(r, w.fields, 'HomePhone', m.home_phone), landed_or_kept(r, w.fields, 'OtherPhone', m.other_phone),
       landed_or_kept(r, w.fields, 'MailingCountry', m.country),
       (coalesce(m.payload, '{}') - w.fields) || canonical_payload(r, %(payload_fields)s::text[], %(payload_types)s::text[]),
       (r ->> 'CreatedDate')::timestamptz, r ->> 'CreatedById', (r ->> 'LastModifiedDate')::timestamptz,
       r ->> 'LastModifiedById', n.stamp, CASE WHEN (r ->> 'IsDeleted')::boolean THEN 'deleted' ELSE 'live' END,
       r ->> 'MasterRecordId', w.queried_at
  FROM newest n
  JOIN (SELECT org_id, queried_at, %(fields)s::text[] AS fields FROM extract_window WHERE window_id = %(window_id)s) AS w ON true
  LEFT JOIN salesforce_contact m ON m.org_id = w.org_id AND m.salesforce_id = r ->> 'Id'
ON CONFLICT (org_id, salesforce_id) DO UPDATE
   SET (first_name, last_name, email, phone, mobile_phone, home_phone, other_phone, country, payload, created_at,
        created_by_id, last_modified_at, last_modified_by_id, system_modstamp, presence, master_record_id, read_at, extracted_at)
     = (excluded.first_name, excluded.last_name, excluded.email, excluded.phone, excluded.mobile_phone,
        excluded.home_phone, excluded.other_phone, excluded.country, excluded.payload, excluded.created_at,
        excluded.created_by_id, excluded.last_modified_at, excluded.last_modified_by_id, excluded.system_modstamp,
        excluded.presence, excluded.master_record_id, excluded.read_at, now())
 WHERE excluded.system_modstamp > mirror.system_modstamp
    OR (excluded.system_modstamp = mirror.system_modstamp AND excluded.read_at >= mirror.read_at AND (
        (mirror.first_name, mirror.last_name, mirror.email, mirror.phone, mirror.mobile_phone, mirror.home_phone,
         mirror.other_phone, mirror.country, mirror.payload, mirror.presence, mirror.master_record_id)
        IS DISTINCT FROM
        (excluded.first_name, excluded.last_name, excluded.email, excluded.phone, excluded.mobile_phone, excluded.home_phone,
         excluded.other_phone, excluded.country, excluded.payload, excluded.presence, excluded.master_record_id)));

-- name: prove_window
-- Close a window: proven if every reported row landed or is quarantined and every landed id is in the mirror, else short.
-- Params: window_id bigint, rows_merged bigint | Rows: 1 (status, read_until, rows_reported, rows_landed, rows_distinct, rows_quarantined)
WITH landed AS (
    SELECT record ->> 'Id' AS salesforce_id, max((record ->> 'SystemModstamp')::timestamptz) AS stamp, count(*) AS rows
      FROM salesforce_landing
     WHERE window_id = %(window_id)s
     GROUP BY record ->> 'Id'
), proof AS (
    SELECT coalesce(sum(l.rows), 0) AS rows_landed, count(*) AS rows_distinct,
           count(*) FILTER (WHERE c.salesforce_id IS NULL) AS rows_missing
      FROM landed l
      JOIN extract_window w ON w.window_id = %(window_id)s
      LEFT JOIN salesforce_contact c
        ON c.org_id = w.org_id AND c.salesforce_id = l.salesforce_id AND c.system_modstamp >= l.stamp
)
UPDATE extract_window w
   SET rows_landed = p.rows_landed + w.rows_erased, rows_distinct = p.rows_distinct, rows_merged = %(rows_merged)s,
       status = CASE WHEN p.rows_missing = 0 AND w.rows_reported = p.rows_landed + w.rows_erased + w.rows_quarantined
                     THEN 'proven' ELSE 'short' END,
       finished_at = now()
  FROM proof p
 WHERE w.window_id = %(window_id)s
RETURNING w.status, w.read_until, w.rows_reported, w.rows_landed, w.rows_distinct, w.rows_quarantined;

-- name: resolve_quarantined_rows
-- Mark quarantined rows as resolved whose contact has landed since; a formula window reads too few fields to tell.
-- Params: window_id bigint, org_id text | Rows: none
UPDATE quarantined_row q
   SET resolved_at = now()
  FROM salesforce_landing l
  JOIN extract_window w USING (window_id)
 WHERE l.window_id = %(window_id)s
   AND w.kind <> 'formula'
   AND q.org_id = %(org_id)s
   AND q.salesforce_id = l.record ->> 'Id'
   AND q.resolved_at IS NULL;

-- name: delete_landed_rows
-- Empty the landing of a window.
-- Params: window_id bigint | Rows: none
DELETE FROM salesforce_landing
 WHERE window_id = %(window_id)s;

-- name: end_window
-- End a window that could not be read: failed or deferred, with the reason.
-- Params: window_id bigint, status text, detail text | Rows: none
UPDATE extract_window
   SET status = %(status)s, detail = %(detail)s, finished_at = now()
 WHERE window_id = %(window_id)s;
