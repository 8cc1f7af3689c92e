-- What is left of each org's daily API calls (api_limit), heard from Salesforce by one worker and known to all.
-- A row has no status: figures without heard_at are not known yet, and old ones are asked for again before they stop anybody.

-- name: remember_limit
-- Remember what Salesforce said of an org's day.
-- Params: org_id text, used bigint, most bigint | Rows: none
INSERT INTO api_limit (org_id, used, most, heard_at)
VALUES (%(org_id)s, %(used)s, %(most)s, clock_timestamp())
ON CONFLICT (org_id) DO UPDATE
   SET used = excluded.used, most = excluded.most, heard_at = excluded.heard_at;

-- name: exhaust_limit
-- Remember that Salesforce refused a call because the day is used up, where its allowance is known.
-- Params: org_id text | Rows: none
UPDATE api_limit
   SET used = greatest(used, most), heard_at = clock_timestamp()
 WHERE org_id = %(org_id)s
   AND heard_at IS NOT NULL;

-- name: select_limit
-- Read what is known of an org's day, and how old that is.
-- Params: org_id text | Rows: 0..1 (used, most, age_seconds)
SELECT used, most, extract(epoch FROM clock_timestamp() - heard_at)::float8 AS age_seconds
  FROM api_limit
 WHERE org_id = %(org_id)s
   AND heard_at IS NOT NULL;

-- name: claim_limit_question
-- Let one worker ask for the limits themselves, unless one asked within some seconds.
-- Params: org_id text, pause_seconds float | Rows: 0..1 (org_id)
INSERT INTO api_limit AS held (org_id, asked_at)
VALUES (%(org_id)s, clock_timestamp())
ON CONFLICT (org_id) DO UPDATE
   SET asked_at = excluded.asked_at
 WHERE held.asked_at IS NULL
    OR held.asked_at < clock_timestamp() - make_interval(secs => %(pause_seconds)s)
RETURNING org_id;
