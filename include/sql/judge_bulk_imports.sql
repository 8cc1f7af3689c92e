-- How a Salesforce record came in: by hand or by bulk import. Nothing is planned before this verdict is in.
-- Evidence: ingest jobs (object, creator, time) and bursts (many records by one creator within a short time).

-- name: list_orgs_to_judge
-- List the orgs with new records that a workspace might create and that no verdict is in for.
-- Params: none | Rows: 0..n (org_id)
SELECT DISTINCT o.org_id
  FROM salesforce_org o
  JOIN workspace w ON w.org_id = o.org_id AND w.auto_create_since IS NOT NULL
 WHERE o.disconnected_at IS NULL
   AND EXISTS (
       SELECT FROM salesforce_contact c
        WHERE c.org_id = o.org_id AND c.created_at >= w.auto_create_since AND c.bulk_judged_at IS NULL)
 ORDER BY o.org_id;

-- name: select_unjudged_span
-- Read from when to when the org's unjudged new records were created, and how many may be judged now.
-- Those may that are old enough, and around which all was read: where the extraction is late, a burst is half here.
-- Params: org_id text, settle_seconds float, burst_seconds float | Rows: 1 (first_at, last_at, contacts)
SELECT min(c.created_at) AS first_at, max(c.created_at) AS last_at, count(*) AS contacts
  FROM salesforce_contact c
 CROSS JOIN LATERAL (
       SELECT max(x.read_until) AS read_until FROM proven_window x
        WHERE x.org_id = c.org_id AND x.kind IN ('initial', 'incremental')) AS w
 WHERE c.org_id = %(org_id)s
   AND c.bulk_judged_at IS NULL
   AND c.created_at >= (SELECT min(w.auto_create_since) FROM workspace w WHERE w.org_id = %(org_id)s)
   AND c.created_at <= now() - make_interval(secs => %(settle_seconds)s)
   AND c.created_at <= coalesce(w.read_until, now()) - make_interval(secs => least(%(burst_seconds)s, %(settle_seconds)s));

-- name: judge_contacts
-- Give the org's new records their verdict, with what it rests on.
-- Params: org_id text, jobs json, first_at timestamptz, last_at timestamptz, burst_size int, burst_seconds float | Rows: none
WITH recent AS (
    SELECT c.salesforce_id, c.created_by_id, c.created_at, c.bulk_judged_at,
           count(*) OVER (PARTITION BY c.created_by_id ORDER BY c.created_at
               RANGE BETWEEN CURRENT ROW AND make_interval(secs => %(burst_seconds)s) FOLLOWING) AS begun_here,
           -- nobody types two records within two seconds
           count(*) OVER (PARTITION BY c.created_by_id ORDER BY c.created_at
               RANGE BETWEEN interval '2 seconds' PRECEDING AND interval '2 seconds' FOLLOWING) > 1 AS is_fast
      FROM salesforce_contact c
     WHERE c.org_id = %(org_id)s
       AND c.created_at >= %(first_at)s::timestamptz - make_interval(secs => %(burst_seconds)s)
), crowded AS (
    -- a record in the middle of a burst belongs to the one that began before it
    SELECT r.salesforce_id, r.created_by_id, r.created_at, r.bulk_judged_at, r.is_fast,
           max(r.begun_here) OVER (PARTITION BY r.created_by_id ORDER BY r.created_at
               RANGE BETWEEN make_interval(secs => %(burst_seconds)s) PRECEDING AND CURRENT ROW) AS burst
      FROM recent r
), judged AS (
    SELECT r.salesforce_id, r.burst, j.job_id, j.job_type
      FROM crowded r
      LEFT JOIN LATERAL (
           SELECT x.job_id, x.job_type
             FROM jsonb_to_recordset(%(jobs)s::jsonb) AS x (job_id text, job_type text, created_by_id text, created_at timestamptz, finished_at timestamptz)
            WHERE x.created_by_id = r.created_by_id
              -- where the end is not told: a job saves its rows within hours, and its creator types others meanwhile
              AND (r.created_at BETWEEN x.created_at AND coalesce(x.finished_at, x.created_at) + interval '1 minute'
                   OR (x.finished_at IS NULL AND r.is_fast AND r.created_at BETWEEN x.created_at AND x.created_at + interval '24 hours'))
            ORDER BY x.created_at DESC
            LIMIT 1) AS j ON true
     WHERE r.bulk_judged_at IS NULL
       AND r.created_at <= %(last_at)s
)
UPDATE salesforce_contact c
   SET bulk_judged_at = now(),
       is_bulk_import = j.job_id IS NOT NULL OR j.burst >= %(burst_size)s,
       bulk_evidence = jsonb_strip_nulls(jsonb_build_object('job_id', j.job_id, 'job_type', j.job_type, 'burst', j.burst,
           'burst_size', %(burst_size)s, 'burst_seconds', %(burst_seconds)s))
  FROM judged j
 WHERE c.org_id = %(org_id)s
   AND c.salesforce_id = j.salesforce_id;
