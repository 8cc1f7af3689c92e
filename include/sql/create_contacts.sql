-- New Salesforce records become respond contacts: planned, claimed, looked up, created or adopted, tagged, recorded.
-- planned > creating > created > tagged | adopted | skipped | rejected; creating > planned once it is proved that nothing was created;
-- planned > held > planned while the gate holds the org.

-- name: list_workspaces_creating
-- List the workspaces that create contacts, or still have some planned.
-- Params: none | Rows: 0..n (workspace_id)
SELECT w.workspace_id
  FROM workspace w
 WHERE w.org_id IS NOT NULL
   AND (w.auto_create_since IS NOT NULL
        OR EXISTS (SELECT FROM contact_creation c
                    WHERE c.workspace_id = w.workspace_id AND c.status IN ('planned', 'held', 'creating', 'created')))
 ORDER BY w.workspace_id;

-- name: create_planning_tables
-- Make the planning's working table, once a session; it is empty again after each transaction.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS looked_at (salesforce_id text PRIMARY KEY, presence text, is_bulk_import boolean, key_count bigint, free_key_count bigint, is_erased boolean NOT NULL DEFAULT false) ON COMMIT DELETE ROWS;

-- name: insert_looked_at
-- List records made since the switch, judged and normalized, that have no creation yet or were skipped for a passing reason.
-- Params: workspace_id text, org_id text | Rows: none
INSERT INTO looked_at (salesforce_id, presence, is_bulk_import, key_count, free_key_count)
SELECT c.salesforce_id, c.presence, c.is_bulk_import, k.key_count, k.free_key_count
  FROM workspace w
  JOIN salesforce_contact c ON c.org_id = w.org_id AND c.created_at >= w.auto_create_since AND c.bulk_judged_at IS NOT NULL
  LEFT JOIN contact_creation p ON p.workspace_id = w.workspace_id AND p.salesforce_id = c.salesforce_id
 CROSS JOIN LATERAL (
       SELECT count(*) AS key_count, count(*) FILTER (WHERE h.live_contacts <= w.shared_key_limit) AS free_key_count
         FROM salesforce_key s
        CROSS JOIN LATERAL (
              SELECT count(DISTINCT x.effective_id) AS live_contacts FROM salesforce_key x
               WHERE x.org_id = s.org_id AND x.kind = s.kind AND x.key = s.key) AS h
        WHERE s.org_id = c.org_id AND s.salesforce_id = c.salesforce_id AND s.kind IN ('email', 'phone')) AS k
 WHERE w.workspace_id = %(workspace_id)s
   AND w.org_id = %(org_id)s
   AND (p.salesforce_id IS NULL
        OR (p.status = 'skipped' AND p.rule IN ('bulk_import', 'no_key', 'ambiguous', 'shared_key', 'same_person', 'deleted')))
   -- what is not normalized and matched yet may turn out to be there
   AND NOT EXISTS (
       SELECT FROM pending_change q
        WHERE q.org_id = %(org_id)s AND q.entity IN ('salesforce_contact', 'salesforce_key')
          AND q.entity_id IS NULL AND q.entity_ids IS NULL)
   AND NOT EXISTS (
       SELECT FROM pending_entity q
        WHERE q.org_id = %(org_id)s AND q.entity = 'salesforce_contact' AND q.entity_id = c.salesforce_id)
   AND NOT EXISTS (
       SELECT FROM salesforce_key s
         JOIN pending_entity q ON q.org_id = s.org_id AND q.entity = 'salesforce_key' AND q.entity_id = s.kind || ':' || s.key
        WHERE s.org_id = %(org_id)s AND s.salesforce_id = c.salesforce_id);

-- name: mark_erased
-- Mark the records looked at whose id or key is that of an erased person.
-- Params: org_id text | Rows: none
UPDATE looked_at l
   SET is_erased = true
  FROM tombstone_pad p
 WHERE EXISTS (
       SELECT FROM erased_person e
        WHERE e.org_id = %(org_id)s
          AND e.digest = keyed_digest(p.inner_pad, p.outer_pad, %(org_id)s || ':salesforce:' || l.salesforce_id))
    OR EXISTS (
       SELECT FROM salesforce_key k
         JOIN erased_person e ON e.org_id = k.org_id
                             AND e.digest = keyed_digest(p.inner_pad, p.outer_pad, k.org_id || ':' || k.kind || ':' || k.key)
        WHERE k.org_id = %(org_id)s AND k.salesforce_id = l.salesforce_id AND k.kind IN ('email', 'phone'));

-- name: upsert_plans
-- Plan each record looked at, or skip it with the rule that forbids it; equal verdicts write nothing.
-- Params: workspace_id text, org_id text, include_bulk_imports boolean | Rows: none
INSERT INTO contact_creation AS held (org_id, workspace_id, salesforce_id, status, rule, is_bulk_import)
SELECT %(org_id)s, %(workspace_id)s, v.salesforce_id,
       CASE WHEN v.rule IS NULL THEN 'planned' ELSE 'skipped' END, v.rule, v.is_bulk_import
  FROM (SELECT l.salesforce_id, l.is_bulk_import,
               CASE WHEN l.is_erased THEN 'erased'
                    WHEN l.presence <> 'live' THEN 'deleted'
                    -- before what passes: who was matched once is created never, whatever ends the match or is switched on
                    WHEN EXISTS (SELECT FROM contact_match m
                                  WHERE m.workspace_id = %(workspace_id)s AND m.org_id = %(org_id)s
                                    AND m.salesforce_id = l.salesforce_id) THEN 'matched'
                    WHEN l.is_bulk_import AND NOT %(include_bulk_imports)s THEN 'bulk_import'
                    WHEN l.key_count = 0 THEN 'no_key'
                    WHEN EXISTS (SELECT FROM match_issue i
                                  WHERE i.workspace_id = %(workspace_id)s AND i.status = 'ambiguous'
                                    AND l.salesforce_id = ANY (i.candidates)) THEN 'ambiguous'
                    WHEN l.free_key_count = 0 THEN 'shared_key'
                    WHEN was_respond_contact(%(workspace_id)s, %(org_id)s, l.salesforce_id) THEN 'was_present'
                    WHEN EXISTS (SELECT FROM salesforce_key k
                                   JOIN creation_claim t ON t.workspace_id = %(workspace_id)s AND t.kind = k.kind AND t.key = k.key
                                  WHERE k.org_id = %(org_id)s AND k.salesforce_id = l.salesforce_id
                                    AND t.salesforce_id <> l.salesforce_id) THEN 'same_person' END AS rule
          FROM looked_at l) AS v
-- two runs that plan at once meet the rows in one order
 ORDER BY v.salesforce_id
ON CONFLICT (workspace_id, salesforce_id) DO UPDATE
   SET status = excluded.status, rule = excluded.rule, is_bulk_import = excluded.is_bulk_import, planned_at = now()
 WHERE held.status = 'skipped'
   AND held.rule IS DISTINCT FROM excluded.rule;

-- name: hold_creations
-- Withhold what a workspace has planned, or plan again what was withheld.
-- Params: workspace_id text, is_held boolean | Rows: none
UPDATE contact_creation
   SET status = CASE WHEN %(is_held)s THEN 'held' ELSE 'planned' END
 WHERE workspace_id = %(workspace_id)s
   AND status = CASE WHEN %(is_held)s THEN 'planned' ELSE 'held' END;

-- name: skip_overtaken
-- Skip what was planned, one record or each, and is gone from Salesforce, matched or ambiguous since; free the keys.
-- Params: workspace_id text, salesforce_id text | Rows: 0..n (salesforce_id, rule)
WITH judged AS (
    SELECT c.salesforce_id,
           CASE WHEN s.presence IS DISTINCT FROM 'live' THEN 'deleted'
                WHEN EXISTS (SELECT FROM contact_match m
                              WHERE m.workspace_id = c.workspace_id AND m.org_id = c.org_id
                                AND m.salesforce_id = c.salesforce_id) THEN 'matched'
                WHEN c.salesforce_id IN (SELECT unnest(i.candidates) FROM match_issue i
                                          WHERE i.workspace_id = %(workspace_id)s AND i.status = 'ambiguous') THEN 'ambiguous' END AS rule
      FROM contact_creation c
      LEFT JOIN salesforce_contact s USING (org_id, salesforce_id)
     WHERE c.workspace_id = %(workspace_id)s
       AND c.status = 'planned'
       AND (%(salesforce_id)s::text IS NULL OR c.salesforce_id = %(salesforce_id)s)
), skipped AS (
    UPDATE contact_creation c
       SET status = 'skipped', rule = j.rule
      FROM judged j
     WHERE j.rule IS NOT NULL
       AND c.workspace_id = %(workspace_id)s
       AND c.salesforce_id = j.salesforce_id
       AND c.status = 'planned'
    RETURNING c.salesforce_id, c.rule
), freed AS (
    DELETE FROM creation_claim t
     USING skipped s
     WHERE t.workspace_id = %(workspace_id)s
       AND t.salesforce_id = s.salesforce_id
)
SELECT salesforce_id, rule
  FROM skipped;

-- name: skip_switched_off
-- Skip what is planned where the switch is off, or was switched on again after the record was made; free the keys.
-- Params: workspace_id text | Rows: none
WITH skipped AS (
    UPDATE contact_creation c
       SET status = 'skipped', rule = CASE WHEN w.auto_create_since IS NULL THEN 'switched_off' ELSE 'before_switch_on' END
      FROM workspace w
     WHERE w.workspace_id = %(workspace_id)s
       AND c.workspace_id = w.workspace_id
       AND c.status = 'planned'
       AND (w.auto_create_since IS NULL
            OR EXISTS (SELECT FROM salesforce_contact s
                        WHERE s.org_id = c.org_id AND s.salesforce_id = c.salesforce_id AND s.created_at < w.auto_create_since))
    RETURNING c.salesforce_id
)
DELETE FROM creation_claim t
 USING skipped s
 WHERE t.workspace_id = %(workspace_id)s
   AND t.salesforce_id = s.salesforce_id;

-- name: skip_bulk_imports
-- Skip planned bulk imports again, all but those among the first so many of the plan; free their keys.
-- Params: workspace_id text, keep int | Rows: none
WITH kept AS (
    SELECT salesforce_id
      FROM contact_creation
     WHERE workspace_id = %(workspace_id)s
       AND status = 'planned'
     ORDER BY planned_at, salesforce_id
     LIMIT %(keep)s
), skipped AS (
    UPDATE contact_creation c
       SET status = 'skipped', rule = 'bulk_import'
     WHERE c.workspace_id = %(workspace_id)s
       AND c.status = 'planned'
       AND c.is_bulk_import
       AND NOT EXISTS (SELECT FROM kept k WHERE k.salesforce_id = c.salesforce_id)
    RETURNING c.salesforce_id
)
DELETE FROM creation_claim t
 USING skipped s
 WHERE t.workspace_id = %(workspace_id)s
   AND t.salesforce_id = s.salesforce_id;

-- name: count_creations
-- Count a workspace's creations by status and rule.
-- Params: workspace_id text | Rows: 0..n (status, rule, creations)
SELECT status, coalesce(rule, '') AS rule, count(*) AS creations
  FROM contact_creation
 WHERE workspace_id = %(workspace_id)s
 GROUP BY status, rule
 ORDER BY status, rule;

-- name: select_plan_samples
-- Name some records per status and rule of a workspace's plan, the latest planned first.
-- Params: workspace_id text, samples int | Rows: 0..n (status, rule, salesforce_ids)
SELECT status, coalesce(rule, '') AS rule, array_agg(salesforce_id::text ORDER BY place) AS salesforce_ids
  FROM (SELECT status, rule, salesforce_id,
               row_number() OVER (PARTITION BY status, rule ORDER BY planned_at DESC, salesforce_id) AS place
          FROM contact_creation
         WHERE workspace_id = %(workspace_id)s
           AND status IN ('planned', 'skipped')) AS c
 WHERE place <= %(samples)s
 GROUP BY status, rule
 ORDER BY status, rule;

-- name: select_creation_progress
-- Tell how far the creations of one workspace, or of each, are, and when they end at the pace of the last ten minutes.
-- Params: workspace_id text, usual_per_hour float | Rows: 0..n (workspace_id, done, left_over, rejected, per_hour, expected_end_at)
WITH counted AS (
    SELECT workspace_id,
           count(*) FILTER (WHERE status IN ('tagged', 'adopted')) AS done,
           count(*) FILTER (WHERE status IN ('planned', 'held', 'creating', 'created')) AS left_over,
           count(*) FILTER (WHERE status = 'rejected') AS rejected,
           count(*) FILTER (WHERE status IN ('tagged', 'adopted') AND settled_at > now() - interval '10 minutes') AS lately,
           extract(epoch FROM max(settled_at) - min(settled_at) FILTER (
               WHERE status IN ('tagged', 'adopted') AND settled_at > now() - interval '10 minutes'))::float8 AS lately_seconds
      FROM contact_creation
     WHERE %(workspace_id)s::text IS NULL OR workspace_id = %(workspace_id)s
     GROUP BY workspace_id
), paced AS (
    SELECT workspace_id, done, left_over, rejected,
           -- too few tell nothing: the rate that respond.io allows does
           CASE WHEN lately >= 10 AND lately_seconds > 0 THEN (lately - 1) * 3600 / lately_seconds ELSE %(usual_per_hour)s END AS per_hour
      FROM counted
)
SELECT workspace_id, done, left_over, rejected, per_hour,
       CASE WHEN left_over > 0 THEN now() + make_interval(secs => left_over * 3600 / per_hour) END AS expected_end_at
  FROM paced
 ORDER BY workspace_id;

-- name: select_next_creation
-- Take the next creation to work on: begun ones first, then planned ones, oldest record first; none tried in vain.
-- Params: workspace_id text, tried text[], leaves_bulk_imports boolean | Rows: 0..1 (salesforce_id, status, claimed_at, attempts, respond_id, error_code)
SELECT c.salesforce_id, c.status, c.claimed_at, c.attempts, c.respond_id, c.error_code
  FROM contact_creation c
  JOIN workspace w USING (workspace_id)
 WHERE c.workspace_id = %(workspace_id)s
   AND c.status IN ('planned', 'creating', 'created')
   -- a switch put off, or an org left, ends the run that is under way; what was begun is finished
   AND (c.status <> 'planned' OR (w.auto_create_since IS NOT NULL AND w.org_id IS NOT NULL))
   AND (c.status <> 'planned' OR NOT (%(leaves_bulk_imports)s AND coalesce(c.is_bulk_import, false)))
   -- nor is anybody created from records that the gate holds to be wrong; asked once, not for each of 100,000 planned
   AND (c.status <> 'planned'
        OR 'held' IS DISTINCT FROM (SELECT q.verdict FROM quality_run q JOIN workspace v USING (org_id)
                                     WHERE v.workspace_id = %(workspace_id)s ORDER BY q.quality_run_id DESC LIMIT 1))
   AND (c.not_before IS NULL OR c.not_before <= now())
   AND c.salesforce_id <> ALL (%(tried)s::text[])
 ORDER BY c.status = 'planned', c.planned_at, c.salesforce_id
 LIMIT 1;

-- name: select_person_to_create
-- Read what a contact is created from: its names, and its usable keys with their numbers, best field first.
-- Params: workspace_id text, org_id text, salesforce_id text | Rows: 0..n (first_name, last_name, kind, key, e164, source_field, live_contacts)
SELECT DISTINCT ON (k.kind, k.key) c.first_name, c.last_name, k.kind, k.key, r.e164, v.source_field, h.live_contacts
  FROM salesforce_contact c
  JOIN workspace w ON w.workspace_id = %(workspace_id)s
  JOIN salesforce_key k ON k.org_id = c.org_id AND k.salesforce_id = c.salesforce_id AND k.kind IN ('email', 'phone')
  JOIN salesforce_raw_value v ON v.org_id = c.org_id AND v.salesforce_id = c.salesforce_id AND v.kind = k.kind
  JOIN key_rule r ON r.kind = v.kind AND r.region = v.region AND r.raw_digest = v.raw_digest AND r.key = k.key
 CROSS JOIN LATERAL (
       SELECT count(DISTINCT x.effective_id) AS live_contacts FROM salesforce_key x
        WHERE x.org_id = k.org_id AND x.kind = k.kind AND x.key = k.key) AS h
 WHERE c.org_id = %(org_id)s
   AND c.salesforce_id = %(salesforce_id)s
   AND c.presence = 'live'
   AND h.live_contacts <= w.shared_key_limit
 ORDER BY k.kind, k.key, array_position(ARRAY['Email', 'MobilePhone', 'Phone', 'HomePhone', 'OtherPhone'], v.source_field);

-- name: claim_keys
-- Claim a person's keys; a key that another record holds is not claimed.
-- Params: workspace_id text, salesforce_id text, kinds text[], keys text[] | Rows: none
INSERT INTO creation_claim (workspace_id, kind, key, salesforce_id)
SELECT %(workspace_id)s, kind, key, %(salesforce_id)s
  FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS wanted (kind, key)
-- two workers that claim the same keys meet them in one order
 ORDER BY kind, key
ON CONFLICT DO NOTHING;

-- name: count_foreign_claims
-- Count which of a person's keys another record has claimed.
-- Params: workspace_id text, salesforce_id text, kinds text[], keys text[] | Rows: 1 (claims)
SELECT count(*) AS claims
  FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS wanted (kind, key)
  JOIN creation_claim c USING (kind, key)
 WHERE c.workspace_id = %(workspace_id)s
   AND c.salesforce_id <> %(salesforce_id)s;

-- name: release_claims
-- Give a record's keys back.
-- Params: workspace_id text, salesforce_id text | Rows: none
DELETE FROM creation_claim
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s;

-- name: begin_creation
-- Note that we set out to create: from here on a younger contact with these keys is ours.
-- Params: workspace_id text, salesforce_id text | Rows: none
UPDATE contact_creation
   SET status = 'creating', claimed_at = now(), attempts = attempts + 1, not_before = NULL
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s
   AND status = 'planned';

-- name: discount_attempt
-- Do not count the attempt of a begun creation: respond.io said that it did nothing.
-- Params: workspace_id text, salesforce_id text | Rows: none
UPDATE contact_creation
   SET attempts = greatest(attempts - 1, 0)
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s
   AND status = 'creating';

-- name: reject_creation
-- Give a creation up with the vendor's code and sentence, unless somebody else settled it meanwhile.
-- Params: workspace_id text, salesforce_id text, error_code text, error_detail text, run_id text | Rows: none
UPDATE contact_creation
   SET status = 'rejected', rule = NULL, error_code = %(error_code)s, error_detail = %(error_detail)s, not_before = NULL,
       refused_run_id = %(run_id)s, settled_at = now()
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s
   AND status IN ('planned', 'creating');

-- name: settle_creation
-- Write down what became of a creation.
-- Params: workspace_id text, salesforce_id text, status text, rule text, identifier text, respond_id bigint, tags text[], error_code text, error_detail text | Rows: none
UPDATE contact_creation
   SET status = %(status)s, rule = %(rule)s, identifier = coalesce(%(identifier)s, identifier),
       respond_id = coalesce(%(respond_id)s, respond_id), tags = %(tags)s::text[], error_code = %(error_code)s,
       error_detail = %(error_detail)s, not_before = NULL,
       settled_at = CASE WHEN %(status)s <> 'planned' THEN now() END
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s;

-- name: postpone_creation
-- Look at a creation again later, in the status it has.
-- Params: workspace_id text, salesforce_id text, seconds float, error_code text, error_detail text | Rows: none
UPDATE contact_creation
   SET not_before = now() + make_interval(secs => %(seconds)s), error_code = %(error_code)s, error_detail = %(error_detail)s
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s;

-- name: postpone_fresh_creation
-- Look at a creation again when so many seconds have passed since its call; no row means that they have.
-- Params: workspace_id text, salesforce_id text, seconds float | Rows: none
UPDATE contact_creation
   SET not_before = claimed_at + make_interval(secs => %(seconds)s)
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s
   AND claimed_at > now() - make_interval(secs => %(seconds)s);

-- name: select_claimed_keys
-- Read the keys that a record claimed, phones first.
-- Params: workspace_id text, salesforce_id text | Rows: 0..n (kind, key)
SELECT kind, key
  FROM creation_claim
 WHERE workspace_id = %(workspace_id)s
   AND salesforce_id = %(salesforce_id)s
 ORDER BY kind DESC, key;

-- name: select_respond_by_keys
-- Find mirrored respond contacts that hold any of a person's keys, and the e-mail or phone they hold it by.
-- Params: workspace_id text, kinds text[], keys text[] | Rows: 0..n (respond_id, kind, value)
SELECT k.respond_id, k.kind, CASE k.kind WHEN 'email' THEN r.email ELSE r.phone END AS value
  FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS wanted (kind, key)
  JOIN respond_key k USING (kind, key)
  JOIN respond_contact r USING (workspace_id, respond_id)
 WHERE k.workspace_id = %(workspace_id)s
 ORDER BY k.respond_id;

-- name: mark_respond_changed
-- Put one respond contact on the working tables of normalizing, matching and materializing.
-- Params: workspace_id text, respond_id bigint | Rows: none
WITH normalizing AS (
    INSERT INTO changed_respond (workspace_id, respond_id) VALUES (%(workspace_id)s, %(respond_id)s) ON CONFLICT DO NOTHING
), matching AS (
    INSERT INTO affected_contact (workspace_id, respond_id) VALUES (%(workspace_id)s, %(respond_id)s) ON CONFLICT DO NOTHING
)
INSERT INTO changed_row (workspace_id, respond_id) VALUES (%(workspace_id)s, %(respond_id)s) ON CONFLICT DO NOTHING;

-- name: note_refused_tag
-- Note that a contact we created is there without its tag: respond.io refused to put it on.
-- Params: workspace_id text, respond_id bigint, error_detail text, run_id text | Rows: none
UPDATE contact_creation
   SET error_code = 'tag_refused', error_detail = %(error_detail)s, refused_run_id = %(run_id)s
 WHERE workspace_id = %(workspace_id)s
   AND respond_id = %(respond_id)s
   AND status = 'tagged';

-- name: count_refusals
-- Count what was refused in one run, whichever try of its tasks it was: contacts that were rejected, tags not put on.
-- Params: run_id text | Rows: 1 (contacts, tags)
SELECT count(*) FILTER (WHERE status = 'rejected') AS contacts,
       count(*) FILTER (WHERE status = 'tagged' AND error_code = 'tag_refused') AS tags
  FROM contact_creation
 WHERE refused_run_id = %(run_id)s;

-- name: mark_tag_made
-- Remember that the workspace has our tag.
-- Params: workspace_id text | Rows: none
UPDATE workspace
   SET tag_made_at = now()
 WHERE workspace_id = %(workspace_id)s;
