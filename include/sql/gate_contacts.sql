-- The quality gate between extraction and matching: per org, counts that Great Expectations judges, and what came of it.
-- quality_run: passed | approved | held; while the latest one is held the org is not matched. Ids and counts only.

-- name: select_gate_state
-- Read what makes the org's suites due: what was not judged yet, and the standing verdict with its age.
-- Params: org_id text | Rows: 0..1 (verdict, age_seconds, is_decided, due_for)
SELECT g.verdict, extract(epoch FROM now() - g.ran_at)::float8 AS age_seconds, g.due_for,
       EXISTS (SELECT FROM held_change h
                WHERE h.org_id = g.org_id AND h.kind = 'gate' AND h.decided_at > g.ran_at) AS is_decided
  FROM org_gate g
 WHERE g.org_id = %(org_id)s;

-- name: select_unjudged_windows
-- List the windows whose rows are in the mirror and were not judged; what is counted after this has them.
-- Params: org_id text | Rows: 1 (window_ids)
SELECT coalesce(array_agg(window_id), '{}') AS window_ids
  FROM extract_window
 WHERE org_id = %(org_id)s
   AND status = 'proven'
   AND judged_at IS NULL;

-- name: mark_judged_windows
-- Remember that windows were judged.
-- Params: window_ids bigint[] | Rows: none
UPDATE extract_window
   SET judged_at = now()
 WHERE window_id = ANY (%(window_ids)s::bigint[]);

-- name: measure_salesforce_contacts
-- Count an org's contacts, what is wrong with their ids and times, what they lack, and the values of those normalized by now.
-- Params: org_id text | Rows: 1 (contacts, repeated_ids, malformed_ids, future_stamps, without_last_name, without_email, without_phone, email_values, phone_values)
WITH waiting AS (
    SELECT DISTINCT entity_id FROM pending_entity WHERE org_id = %(org_id)s AND entity = 'salesforce_contact'
), all_waiting AS (
    SELECT coalesce(bool_or(entity_id IS NULL), false) AS holds FROM waiting
)
SELECT count(*) FILTER (WHERE presence = 'live') AS contacts,
       -- ids of 18 characters differ by more than case
       count(*) - count(DISTINCT lower(salesforce_id)) AS repeated_ids,
       count(*) FILTER (WHERE salesforce_id !~ '^003[0-9A-Za-z]{15}$') AS malformed_ids,
       -- ten minutes are what two clocks may differ
       count(*) FILTER (WHERE greatest(system_modstamp, created_at, last_modified_at) > now() + interval '10 minutes') AS future_stamps,
       count(*) FILTER (WHERE presence = 'live' AND last_name IS NULL) AS without_last_name,
       count(*) FILTER (WHERE presence = 'live' AND email IS NULL) AS without_email,
       count(*) FILTER (WHERE presence = 'live' AND num_nonnulls(phone, mobile_phone, home_phone, other_phone) = 0) AS without_phone,
       count(email) FILTER (WHERE is_normalized) AS email_values,
       coalesce(sum(num_nonnulls(phone, mobile_phone, home_phone, other_phone)) FILTER (WHERE is_normalized), 0)::bigint AS phone_values
  FROM (SELECT c.salesforce_id, c.presence, c.last_name, c.email, c.phone, c.mobile_phone, c.home_phone, c.other_phone,
               c.system_modstamp, c.created_at, c.last_modified_at, w.entity_id IS NULL AND NOT a.holds AS is_normalized
          FROM salesforce_contact c
         CROSS JOIN all_waiting a
          LEFT JOIN waiting w ON w.entity_id = c.salesforce_id
         WHERE c.org_id = %(org_id)s) AS judged;

-- name: measure_salesforce_keys
-- Count the values of an org's contacts that became keys, and keys whose shape is wrong.
-- Params: org_id text | Rows: 1 (email_keyed, phone_keyed, malformed_keys)
SELECT coalesce(sum(cardinality(source_fields)) FILTER (WHERE kind = 'email'), 0)::bigint AS email_keyed,
       coalesce(sum(cardinality(source_fields)) FILTER (WHERE kind = 'phone'), 0)::bigint AS phone_keyed,
       count(*) FILTER (WHERE (kind = 'email' AND key !~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$')
                           OR (kind = 'phone' AND key !~ '^[+][1-9][0-9]{3,17}$')) AS malformed_keys
  FROM salesforce_key
 WHERE org_id = %(org_id)s;

-- name: measure_respond_contacts
-- Count the respond contacts that the org serves, and the values of those normalized by now.
-- Params: org_id text | Rows: 1 (respond_contacts, respond_email_values, respond_phone_values)
WITH waiting AS (
    SELECT DISTINCT workspace_id, entity_id FROM pending_entity WHERE org_id = %(org_id)s AND entity = 'respond_contact'
), all_waiting AS (
    SELECT array_agg(workspace_id) FILTER (WHERE entity_id IS NULL) AS workspaces FROM waiting
)
SELECT count(*) AS respond_contacts, count(email) FILTER (WHERE is_normalized) AS respond_email_values,
       count(phone) FILTER (WHERE is_normalized) AS respond_phone_values
  FROM (SELECT c.email, c.phone,
               w.entity_id IS NULL AND coalesce(c.workspace_id <> ALL (a.workspaces), true) AS is_normalized
          FROM respond_contact c
         CROSS JOIN all_waiting a
          LEFT JOIN waiting w ON w.workspace_id = c.workspace_id AND w.entity_id = c.respond_id::text
         WHERE c.org_id = %(org_id)s
           AND c.gone_at IS NULL) AS judged;

-- name: measure_respond_keys
-- Count those that became keys, and keys whose shape is wrong.
-- Params: org_id text | Rows: 1 (respond_email_keyed, respond_phone_keyed, respond_malformed_keys)
SELECT count(*) FILTER (WHERE kind = 'email') AS respond_email_keyed,
       count(*) FILTER (WHERE kind = 'phone') AS respond_phone_keyed,
       count(*) FILTER (WHERE (kind = 'email' AND key !~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$')
                           OR (kind = 'phone' AND key !~ '^[+][1-9][0-9]{3,17}$')) AS respond_malformed_keys
  FROM respond_key
 WHERE org_id = %(org_id)s;

-- name: select_gate_baseline
-- Read the counts of the org's last run that passed or was approved.
-- Params: org_id text | Rows: 0..1 (measures)
SELECT measures
  FROM quality_run
 WHERE org_id = %(org_id)s
   AND verdict IN ('passed', 'approved')
 ORDER BY quality_run_id DESC
 LIMIT 1;

-- name: sample_bad_contacts
-- List some contacts whose ids or times are wrong, for the person who decides.
-- Params: org_id text | Rows: 0..20 (salesforce_id, malformed_ids, future_stamps)
SELECT salesforce_id, malformed_ids, future_stamps
  FROM salesforce_contact
 CROSS JOIN LATERAL (
       SELECT salesforce_id !~ '^003[0-9A-Za-z]{15}$' AS malformed_ids,
              greatest(system_modstamp, created_at, last_modified_at) > now() + interval '10 minutes' AS future_stamps) AS b
 WHERE org_id = %(org_id)s
   AND (malformed_ids OR future_stamps)
 LIMIT 20;

-- name: insert_quality_run
-- Remember a run of the suites.
-- Params: org_id text, run_id text, why text, verdict text, affected bigint, measures json | Rows: 1 (quality_run_id)
INSERT INTO quality_run (org_id, run_id, why, verdict, affected, measures)
VALUES (%(org_id)s, %(run_id)s, %(why)s, %(verdict)s, %(affected)s, %(measures)s::jsonb)
RETURNING quality_run_id;

-- name: insert_quality_results
-- Remember what each expectation found.
-- Params: quality_run_id bigint, results json | Rows: none
INSERT INTO quality_result (quality_run_id, name, is_met, observed, at_least, at_most, sample_ids)
SELECT %(quality_run_id)s, r.name, r.is_met, r.observed, r.at_least, r.at_most, coalesce(r.sample_ids, '{}')
  FROM jsonb_to_recordset(%(results)s::jsonb) AS r (
       name text, is_met boolean, observed float8, at_least float8, at_most float8, sample_ids text[]);
