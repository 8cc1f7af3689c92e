-- One respond contact, at most one Salesforce contact. The proposed table is a function of mirrors, keys, decisions and creations.
-- Most contacts have one counterpart or none and are judged in one join; the contested few are weighed by the full rules after that.

-- name: create_match_tables
-- Make the working tables, once a session; they are empty again after each transaction. The verdicts' table comes with the verdicts.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS affected_contact (workspace_id text, respond_id bigint, PRIMARY KEY (workspace_id, respond_id)) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS met_key (kind text, key text, holders bigint, first_id text, last_id text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS contested (
    workspace_id text, respond_id bigint, status text, rule text, salesforce_id text, email_key text, phone_key text,
    candidate_count integer, candidates text[]) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS shared_spelling (workspace_id text, respond_id bigint, family text) ON COMMIT DELETE ROWS;

-- name: select_match_wait
-- Tell what keeps an org from being matched: a person's decision, a first load of which only a part is there, or the gate.
-- Params: org_id text | Rows: 0..1 (waits_for)
SELECT waits_for
  FROM org_gate
 WHERE org_id = %(org_id)s;

-- name: select_key_change_extent
-- Tell how much of the feed is the match's, and whether that is so much of the org that all of it is matched at once.
-- Params: org_id text, broad_from bigint | Rows: 1 (changes, is_broad)
WITH waiting AS (
    SELECT count(*) AS changes, coalesce(sum(coalesce(cardinality(p.entity_ids), 1)), 0) AS entities,
           array_agg(p.workspace_id) FILTER (WHERE p.entity_id IS NULL AND p.entity_ids IS NULL) AS whole_workspaces
      FROM pending_change p
     WHERE p.org_id = %(org_id)s
       AND p.entity IN ('salesforce_key', 'respond_key')
), everybody AS (
    SELECT reltuples AS contacts FROM pg_class WHERE oid = 'respond_contact'::regclass
), concerned AS (
    SELECT changes, entities + (
           SELECT count(*) FROM respond_contact r WHERE r.org_id = %(org_id)s AND r.workspace_id = ANY (whole_workspaces)) AS rows
      FROM waiting
), counted AS MATERIALIZED (
    -- nothing is counted where the changes are few beside all orgs' contacts; else no further than to where they are less than a quarter,
    -- nor where they are a quarter of all orgs' contacts
    SELECT changes, rows, (SELECT count(*)
                             FROM (SELECT FROM respond_contact r
                                    WHERE r.org_id = %(org_id)s
                                      AND rows > greatest(%(broad_from)s, least(5 * %(broad_from)s, (SELECT contacts FROM everybody) / 20))
                                    LIMIT (SELECT CASE WHEN rows * 4 >= contacts THEN %(broad_from)s ELSE rows * 4 END + 1
                                             FROM concerned, everybody)) AS r) AS contacts
      FROM concerned
)
SELECT changes, contacts BETWEEN %(broad_from)s + 1 AND rows * 4 AS is_broad
  FROM counted;

-- name: claim_all_key_changes
-- Take the org's key changes off the feed, whomever they concern.
-- Params: org_id text | Rows: none
DELETE FROM pending_change
 WHERE org_id = %(org_id)s
   AND entity IN ('salesforce_key', 'respond_key');

-- name: insert_affected_contacts
-- List the respond contacts that key changes on the feed concern.
-- Params: org_id text, change_ids bigint[] | Rows: none
WITH changed AS (
    SELECT entity, workspace_id, coalesce(entity_ids, ARRAY[entity_id]) AS ids
      FROM pending_change
     WHERE change_id = ANY (%(change_ids)s::bigint[])
), changed_key AS (
    SELECT DISTINCT split_part(e.entity_id, ':', 1) AS kind, substr(e.entity_id, strpos(e.entity_id, ':') + 1) AS key
      FROM changed c
     CROSS JOIN LATERAL unnest(c.ids) AS e (entity_id)
     WHERE c.entity = 'salesforce_key'
)
INSERT INTO affected_contact (workspace_id, respond_id)
SELECT c.workspace_id, e.entity_id::bigint
  FROM changed c
 CROSS JOIN LATERAL unnest(c.ids) AS e (entity_id)
 WHERE c.entity = 'respond_key' AND e.entity_id IS NOT NULL
 UNION
SELECT k.workspace_id, k.respond_id
  FROM changed_key c
  JOIN respond_key k ON k.org_id = %(org_id)s AND k.kind = c.kind AND k.key = c.key
 UNION
SELECT r.workspace_id, r.respond_id
  FROM changed c
  JOIN respond_contact r ON r.workspace_id = c.workspace_id AND r.org_id = %(org_id)s
 WHERE c.entity = 'respond_key' AND cardinality(c.ids) > 0 AND c.ids[1] IS NULL;

-- name: analyze_affected
-- Let the planner know how many contacts there are to match.
-- Params: none | Rows: none
ANALYZE affected_contact;

-- name: insert_met_keys
-- Look up, once each, who holds the affected contacts' keys; 21 holders stand for any number more.
-- Params: org_id text | Rows: none
INSERT INTO met_key (kind, key, holders, first_id, last_id)
SELECT k.kind, k.key, count(*), min(s.effective_id::text), max(s.effective_id::text)
  FROM (SELECT DISTINCT k.kind, k.key
          FROM affected_contact a
         -- each contact by its id, however the next ones are found
         CROSS JOIN LATERAL (
               SELECT r.kind, r.key FROM respond_key r
                WHERE r.workspace_id = a.workspace_id AND r.respond_id = a.respond_id
                  AND r.kind IN ('email', 'phone', 'email_raw', 'phone_raw') OFFSET 0) AS k) AS k
 CROSS JOIN LATERAL (
       SELECT s.effective_id FROM salesforce_key s WHERE s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key LIMIT 21) AS s
 GROUP BY k.kind, k.key;

-- name: analyze_met_keys
-- Let the planner know how many keys somebody holds.
-- Params: none | Rows: none
ANALYZE met_key;

-- name: create_verdict_table
-- Make the table of the affected contacts' verdicts.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS verdict (
    workspace_id text, respond_id bigint, status text, rule text, salesforce_id salesforce_id, email_key text, phone_key text,
    candidate_count integer, candidates text[]) ON COMMIT DROP;

-- name: judge_affected
-- Judge each affected contact: one counterpart is a match, none is a miss, the rest is contested.
-- Params: org_id text | Rows: none
INSERT INTO verdict (workspace_id, respond_id, status, rule, salesforce_id, email_key, phone_key, candidate_count, candidates)
SELECT workspace_id, respond_id,
       CASE WHEN NOT is_there THEN 'gone' WHEN is_contested THEN 'contested' WHEN salesforce_id IS NULL THEN 'unmatched' ELSE 'matched' END AS status,
       CASE WHEN is_contested THEN NULL WHEN email_key IS NOT NULL AND phone_key IS NOT NULL THEN 'email+phone'
            WHEN email_key IS NOT NULL THEN 'email' WHEN phone_key IS NOT NULL THEN 'phone'
            WHEN is_held THEN 'counterpart_deleted' WHEN has_keys THEN 'no_counterpart' END AS rule,
       salesforce_id, email_key, phone_key, 0 AS candidate_count, '{}'::text[] AS candidates
  FROM (SELECT a.workspace_id, a.respond_id, r.respond_id IS NOT NULL AS is_there, min(m.first_id) AS salesforce_id,
               min(k.key) FILTER (WHERE k.kind IN ('email', 'email_raw') AND m.first_id IS NOT NULL) AS email_key,
               min(k.key) FILTER (WHERE k.kind IN ('phone', 'phone_raw') AND m.first_id IS NOT NULL) AS phone_key,
               min(m.first_id) IS DISTINCT FROM max(m.last_id) OR max(m.holders) > 20 AS is_contested,
               count(m.key) > 0 AS is_held, count(k.key) > 0 AS has_keys
          FROM affected_contact a
          -- a workspace that left the org in the meantime gets no verdict from it
          JOIN workspace w ON w.workspace_id = a.workspace_id AND w.org_id = %(org_id)s
          LEFT JOIN respond_contact r ON r.workspace_id = a.workspace_id AND r.respond_id = a.respond_id AND r.gone_at IS NULL
          LEFT JOIN respond_key k ON k.workspace_id = a.workspace_id AND k.respond_id = a.respond_id
           AND k.kind = ANY (CASE w.match_mode WHEN 'exact' THEN ARRAY['email_raw', 'phone_raw'] ELSE ARRAY['email', 'phone'] END)
          LEFT JOIN met_key m ON m.kind = k.kind AND m.key = k.key
         GROUP BY a.workspace_id, a.respond_id, r.respond_id) AS judged;

-- name: read_keys_in_order
-- Let the next statements group in order: keys by their index, which takes a third of the time, and verdicts as they are written.
-- Params: none | Rows: none
SET LOCAL enable_hashagg = off;

-- name: create_crowd_table
-- Make the working table of keys that too many hold, once a session.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS crowded_key (kind text, key text, live_contacts bigint) ON COMMIT DELETE ROWS;

-- name: insert_crowded_keys
-- List all keys that so many Salesforce records of the org hold that their pairs must not be joined, each with how many of them live.
-- Params: org_id text | Rows: none
INSERT INTO crowded_key (kind, key, live_contacts)
SELECT held.kind, crowd.key, held.live_contacts
  -- in the order of the primary key, comparing nothing but keys
  FROM (SELECT key FROM salesforce_key WHERE org_id = %(org_id)s GROUP BY key HAVING count(*) > 20) AS crowd
 CROSS JOIN LATERAL (
       SELECT s.kind, count(DISTINCT s.effective_id) AS live_contacts
         FROM salesforce_key s
        WHERE s.org_id = %(org_id)s AND s.kind IN ('email', 'phone', 'email_raw', 'phone_raw') AND s.key = crowd.key
        GROUP BY s.kind
       HAVING count(*) > 20) AS held;

-- name: read_keys_as_they_come
-- Leave the order of reading and the way of joining to the planner again.
-- Params: none | Rows: 1
SELECT set_config('enable_hashagg', 'on', true), set_config('enable_nestloop', 'on', true), set_config('enable_mergejoin', 'on', true);

-- name: join_everybody_by_hash
-- Let the next statement read each table once: to look two million keys up, or to sort them, takes half as long again.
-- Params: none | Rows: 1
SELECT set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: create_verdicts_of_all
-- Judge everybody of the org the same way, in parallel joins: for that, the statement makes the table.
-- A key that more hold than the workspace's limit identifies nobody; that needs no weighing.
-- Params: org_id text | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS verdict ON COMMIT DROP AS
SELECT workspace_id, respond_id,
       CASE WHEN NOT is_there THEN 'gone' WHEN is_contested THEN 'contested' WHEN salesforce_id IS NULL THEN 'unmatched' ELSE 'matched' END AS status,
       CASE WHEN is_contested THEN NULL WHEN email_key IS NOT NULL AND phone_key IS NOT NULL THEN 'email+phone'
            WHEN email_key IS NOT NULL THEN 'email' WHEN phone_key IS NOT NULL THEN 'phone'
            WHEN found = 3 THEN 'shared_key' WHEN found = 2 THEN 'counterpart_deleted' WHEN found = 1 THEN 'no_counterpart' END AS rule,
       salesforce_id, email_key, phone_key, 0 AS candidate_count, '{}'::text[] AS candidates
  -- the id as its domain, which needs no check per row when it is written; all are the same where nobody contests
  FROM (SELECT k.workspace_id, k.respond_id, k.is_there, any_value(s.effective_id) AS salesforce_id,
               min(k.key) FILTER (WHERE k.kind IN ('email', 'email_raw') AND s.effective_id IS NOT NULL) AS email_key,
               min(k.key) FILTER (WHERE k.kind IN ('phone', 'phone_raw') AND s.effective_id IS NOT NULL) AS phone_key,
               min(s.effective_id::text) IS DISTINCT FROM max(s.effective_id::text) OR max(f.found) = 4 AS is_contested,
               max(f.found) AS found
          FROM (SELECT a.workspace_id, a.respond_id, a.is_there, a.shared_key_limit, k.kind, k.key,
                       -- a value and not a join, so that the joins may run in parallel; most orgs have no crowded key at all
                       CASE WHEN (SELECT count(*) FROM crowded_key) > 0
                            THEN ((SELECT jsonb_object_agg(kind || ':' || key, live_contacts) FROM crowded_key) ->> (k.kind || ':' || k.key))::bigint
                            END AS crowd
                  FROM (SELECT r.workspace_id, r.respond_id, r.gone_at IS NULL AS is_there, w.match_mode, w.shared_key_limit
                          FROM respond_contact r JOIN workspace w ON w.workspace_id = r.workspace_id AND w.org_id = %(org_id)s
                         WHERE r.org_id = %(org_id)s) AS a
                  LEFT JOIN respond_key k ON k.workspace_id = a.workspace_id AND k.respond_id = a.respond_id
                   AND k.kind = ANY (CASE a.match_mode WHEN 'exact' THEN ARRAY['email_raw', 'phone_raw'] ELSE ARRAY['email', 'phone'] END)) AS k
          LEFT JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = CASE WHEN k.crowd IS NULL THEN k.key END
         CROSS JOIN LATERAL (
               SELECT CASE WHEN k.crowd <= k.shared_key_limit THEN 4 WHEN k.crowd IS NOT NULL THEN 3
                           WHEN s.key IS NOT NULL THEN 2 WHEN k.key IS NOT NULL THEN 1 END AS found) AS f
         -- numbers are compared first, and quickly
         GROUP BY k.respond_id, k.workspace_id, k.is_there) AS judged;

-- name: insert_strays
-- Where everybody is judged, list matches and issues of contacts that the mirror no longer has.
-- Params: org_id text | Rows: none
INSERT INTO verdict (workspace_id, respond_id, status)
SELECT held.workspace_id, held.respond_id, 'gone'
  FROM (SELECT org_id, workspace_id, respond_id FROM contact_match
         UNION ALL
        SELECT org_id, workspace_id, respond_id FROM match_issue) AS held
  JOIN workspace w ON w.workspace_id = held.workspace_id AND w.org_id = %(org_id)s
 WHERE held.org_id = %(org_id)s
   AND NOT EXISTS (
       SELECT FROM respond_contact r WHERE r.workspace_id = held.workspace_id AND r.respond_id = held.respond_id);

-- name: insert_shared_spellings
-- Where raw bytes are compared, list whose e-mail or phone too many hold in all spellings together: one spelling of it is nobody's own.
-- Params: org_id text | Rows: none
WITH spelled AS (
    SELECT v.workspace_id, v.respond_id, k.kind, k.key, w.shared_key_limit
      FROM workspace w
      JOIN verdict v ON v.workspace_id = w.workspace_id AND v.status IN ('matched', 'contested')
      JOIN respond_key k ON k.workspace_id = v.workspace_id AND k.respond_id = v.respond_id AND k.kind IN ('email', 'phone')
     WHERE w.org_id = %(org_id)s AND w.match_mode = 'exact'
       -- asked once: without such a workspace nothing is read
       AND EXISTS (SELECT FROM workspace x WHERE x.org_id = %(org_id)s AND x.match_mode = 'exact')
), counted AS (
    SELECT s.kind, s.key, count(DISTINCT s.effective_id) AS live_contacts
      FROM (SELECT DISTINCT kind, key FROM spelled) AS k
      JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key
     GROUP BY s.kind, s.key
)
INSERT INTO shared_spelling (workspace_id, respond_id, family)
SELECT s.workspace_id, s.respond_id, s.kind
  FROM spelled s
  JOIN counted c ON c.kind = s.kind AND c.key = s.key
 WHERE c.live_contacts > s.shared_key_limit;

-- name: contest_shared_spellings
-- Have these contacts weighed by the full rules.
-- Params: none | Rows: none
UPDATE verdict v
   SET status = 'contested'
  FROM shared_spelling s
 WHERE s.workspace_id = v.workspace_id
   AND s.respond_id = v.respond_id
   AND v.status = 'matched'
   -- asked once: without any, no verdict is read
   AND EXISTS (SELECT FROM shared_spelling);

-- name: contest_standing_answers
-- Have contacts with a standing decision or a creation weighed by the full rules.
-- Params: org_id text | Rows: none
UPDATE verdict v
   SET status = 'contested'
  FROM (SELECT workspace_id, respond_id FROM match_decision WHERE org_id = %(org_id)s AND revoked_at IS NULL
         UNION
        SELECT workspace_id, respond_id FROM contact_creation
         WHERE org_id = %(org_id)s AND status IN ('created', 'tagged', 'adopted')) AS answer
 WHERE answer.workspace_id = v.workspace_id
   AND answer.respond_id = v.respond_id
   AND v.status <> 'gone';

-- name: set_contested_aside
-- Put the contested few in a table of their own, so that weighing them does not read everybody's verdict again and again.
-- Params: none | Rows: none
WITH aside AS (
    DELETE FROM verdict
     WHERE status = 'contested'
    RETURNING workspace_id, respond_id, status, rule, salesforce_id, email_key, phone_key, candidate_count, candidates
)
INSERT INTO contested (workspace_id, respond_id, status, rule, salesforce_id, email_key, phone_key, candidate_count, candidates)
SELECT workspace_id, respond_id, status, rule, salesforce_id, email_key, phone_key, candidate_count, candidates FROM aside;

-- name: analyze_verdicts
-- Let the planner know how many verdicts there are, and how many of them are contested.
-- Params: none | Rows: none
ANALYZE verdict (workspace_id, respond_id, status, rule), contested;

-- name: create_contest_tables
-- Make the working tables of the contested, once a session in which there are any.
-- Params: none | Rows: none
CREATE TEMPORARY TABLE IF NOT EXISTS contested_key (workspace_id text, respond_id bigint, family text, kind text, key text, key_limit integer) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS key_holder (kind text, key text, live_contacts bigint) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS candidate (workspace_id text, respond_id bigint, salesforce_id text, email_key text, phone_key text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS standing (workspace_id text, respond_id bigint, rule text, salesforce_id text) ON COMMIT DELETE ROWS;

-- name: look_contested_up
-- Let the contested few, and their keys, be found by index unless they are many: what they touch is in memory.
-- Params: none | Rows: none
SET LOCAL random_page_cost = 0.1;

-- name: look_up_as_ever
-- Leave it to the planner again whether rows are found by index.
-- Params: none | Rows: none
SET LOCAL random_page_cost TO DEFAULT;

-- name: insert_contested_keys
-- List the keys of contested contacts; a shared spelling has a limit that no number of holders keeps.
-- Params: org_id text | Rows: none
INSERT INTO contested_key (workspace_id, respond_id, family, kind, key, key_limit)
SELECT k.workspace_id, k.respond_id, split_part(k.kind, '_', 1), k.kind, k.key,
       CASE WHEN s.family IS NOT NULL THEN -1 ELSE w.shared_key_limit END
  FROM contested v
  JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = %(org_id)s
  JOIN respond_key k ON k.workspace_id = v.workspace_id AND k.respond_id = v.respond_id
   AND k.kind = ANY (CASE w.match_mode WHEN 'exact' THEN ARRAY['email_raw', 'phone_raw'] ELSE ARRAY['email', 'phone'] END)
  LEFT JOIN shared_spelling s ON s.workspace_id = k.workspace_id AND s.respond_id = k.respond_id AND s.family = split_part(k.kind, '_', 1);

-- name: analyze_contested_keys
-- Let the planner know how many keys are contested.
-- Params: none | Rows: none
ANALYZE contested_key;

-- name: count_key_holders
-- Count, once per contested key, the live contacts that hold it; a key that only deleted ones hold counts 0.
-- Params: org_id text | Rows: none
INSERT INTO key_holder (kind, key, live_contacts)
SELECT s.kind, s.key, count(DISTINCT s.effective_id)
  FROM (SELECT DISTINCT kind, key FROM contested_key) AS k
  JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key
 GROUP BY s.kind, s.key;

-- name: analyze_key_holders
-- Let the planner know how many contested keys anybody holds.
-- Params: none | Rows: none
ANALYZE key_holder;

-- name: insert_candidates
-- List the candidates of contested contacts: live Salesforce contacts that share a key which few enough hold.
-- Params: org_id text | Rows: none
INSERT INTO candidate (workspace_id, respond_id, salesforce_id, email_key, phone_key)
SELECT k.workspace_id, k.respond_id, s.effective_id,
       min(k.key) FILTER (WHERE k.family = 'email'), min(k.key) FILTER (WHERE k.family = 'phone')
  FROM contested_key k
  JOIN key_holder h ON h.kind = k.kind AND h.key = k.key AND h.live_contacts BETWEEN 1 AND k.key_limit
  JOIN salesforce_key s ON s.org_id = %(org_id)s AND s.kind = k.kind AND s.key = k.key AND s.effective_id IS NOT NULL
 GROUP BY k.workspace_id, k.respond_id, s.effective_id;

-- name: insert_standing_answers
-- List what overrules the keys: a standing decision, and a creation whose record is live and still a candidate.
-- Params: org_id text | Rows: none
INSERT INTO standing (workspace_id, respond_id, rule, salesforce_id)
SELECT d.workspace_id, d.respond_id, 'decision', effective_contact_id(d.org_id, d.salesforce_id)
  FROM contested v
  JOIN match_decision d ON d.org_id = %(org_id)s AND d.workspace_id = v.workspace_id AND d.respond_id = v.respond_id
 WHERE d.revoked_at IS NULL
 UNION ALL
SELECT c.workspace_id, c.respond_id, 'creation', min(x.salesforce_id)
  FROM contested v
  JOIN contact_creation c ON c.workspace_id = v.workspace_id AND c.respond_id = v.respond_id
   AND c.org_id = %(org_id)s AND c.status IN ('created', 'tagged', 'adopted')
  JOIN candidate x ON x.workspace_id = c.workspace_id AND x.respond_id = c.respond_id
   AND x.salesforce_id = effective_contact_id(c.org_id, c.salesforce_id)
 GROUP BY c.workspace_id, c.respond_id
-- one respond contact may serve two records that we adopted it for: then its creation decides nothing
HAVING count(DISTINCT x.salesforce_id) = 1;

-- name: weigh_contested
-- Decide each contested contact from its candidates; the statements after this fill in answers and keys.
-- Params: none | Rows: none
WITH weighed AS (
    SELECT v.workspace_id, v.respond_id, count(c.salesforce_id) AS candidates, min(c.salesforce_id) AS first_id,
           count(*) FILTER (WHERE c.email_key IS NOT NULL AND c.phone_key IS NOT NULL) AS by_both,
           min(c.salesforce_id) FILTER (WHERE c.email_key IS NOT NULL AND c.phone_key IS NOT NULL) AS first_by_both,
           count(c.email_key) AS by_email, count(c.phone_key) AS by_phone,
           (coalesce(array_agg(c.salesforce_id ORDER BY c.salesforce_id) FILTER (WHERE c.salesforce_id IS NOT NULL), '{}'))[1:20] AS ids
      FROM contested v
      LEFT JOIN candidate c ON c.workspace_id = v.workspace_id AND c.respond_id = v.respond_id
     GROUP BY v.workspace_id, v.respond_id
), told AS (
    SELECT k.workspace_id, k.respond_id,
           CASE WHEN bool_or(h.live_contacts > k.key_limit) THEN 'shared_key'
                WHEN bool_or(h.key IS NOT NULL) THEN 'counterpart_deleted' ELSE 'no_counterpart' END AS reason
      FROM contested_key k
      LEFT JOIN key_holder h ON h.kind = k.kind AND h.key = k.key
     GROUP BY k.workspace_id, k.respond_id
)
UPDATE contested v
   SET status = CASE WHEN w.candidates = 1 OR w.by_both = 1 THEN 'matched' WHEN w.candidates > 1 THEN 'ambiguous' ELSE 'unmatched' END,
       rule = CASE WHEN w.by_both = 1 THEN 'email+phone'
                   WHEN w.candidates = 1 THEN CASE WHEN w.by_email = 1 THEN 'email' ELSE 'phone' END
                   WHEN w.by_both > 1 THEN 'several_by_both'
                   WHEN w.by_email > 0 AND w.by_phone > 0 THEN 'email_phone_disagree'
                   WHEN w.by_email > 0 THEN 'several_by_email' WHEN w.by_phone > 0 THEN 'several_by_phone'
                   ELSE t.reason END,
       salesforce_id = CASE WHEN w.candidates = 1 THEN w.first_id WHEN w.by_both = 1 THEN w.first_by_both END,
       email_key = NULL, phone_key = NULL, candidate_count = w.candidates, candidates = w.ids
  FROM weighed w
  LEFT JOIN told t USING (workspace_id, respond_id)
 WHERE v.workspace_id = w.workspace_id AND v.respond_id = w.respond_id;

-- name: analyze_candidates
-- Let the planner know how many candidates and answers there are.
-- Params: none | Rows: none
ANALYZE candidate, standing;

-- name: resolve_most_recent
-- Where the workspace says so, let the most recently created candidate win an ambiguity.
-- Params: org_id text | Rows: none
WITH latest AS (
    SELECT DISTINCT ON (v.workspace_id, v.respond_id) v.workspace_id, v.respond_id, c.salesforce_id
      FROM contested v
      JOIN workspace w ON w.workspace_id = v.workspace_id AND w.ambiguous_policy = 'most_recent'
      JOIN candidate c ON c.workspace_id = v.workspace_id AND c.respond_id = v.respond_id
      JOIN salesforce_contact s ON s.org_id = %(org_id)s AND s.salesforce_id = c.salesforce_id
     WHERE v.status = 'ambiguous'
     ORDER BY v.workspace_id, v.respond_id, s.created_at DESC NULLS LAST, s.salesforce_id DESC
)
UPDATE contested v
   SET status = 'matched', rule = 'most_recent', salesforce_id = l.salesforce_id
  FROM latest l
 WHERE v.workspace_id = l.workspace_id
   AND v.respond_id = l.respond_id;

-- name: apply_standing_answers
-- Let creations, then decisions, overrule what the keys say.
-- Params: org_id text | Rows: none
UPDATE contested v
   SET salesforce_id = s.salesforce_id,
       status = CASE WHEN s.salesforce_id IS NOT NULL THEN 'matched' ELSE 'unmatched' END,
       rule = CASE WHEN s.salesforce_id IS NOT NULL THEN s.rule WHEN d.salesforce_id IS NULL THEN 'decided_nobody'
                   ELSE 'counterpart_deleted' END
  FROM (SELECT DISTINCT ON (workspace_id, respond_id) workspace_id, respond_id, rule, salesforce_id
          FROM standing
         -- 'decision' comes after 'creation' in the alphabet and before it in rank
         ORDER BY workspace_id, respond_id, rule DESC) AS s
  LEFT JOIN match_decision d
    ON d.org_id = %(org_id)s AND d.workspace_id = s.workspace_id AND d.respond_id = s.respond_id AND d.revoked_at IS NULL
 WHERE v.workspace_id = s.workspace_id
   AND v.respond_id = s.respond_id;

-- name: note_shared_keys
-- Note which keys a contested contact shares with the one it was matched with; a decision may need none.
-- Params: none | Rows: none
UPDATE contested v
   SET email_key = c.email_key, phone_key = c.phone_key
  FROM candidate c
 WHERE v.workspace_id = c.workspace_id
   AND v.respond_id = c.respond_id
   AND v.salesforce_id = c.salesforce_id
   AND v.status = 'matched';

-- name: return_contested
-- Add the verdicts of those who were weighed to everybody else's.
-- Params: none | Rows: none
INSERT INTO verdict (workspace_id, respond_id, status, rule, salesforce_id, email_key, phone_key, candidate_count, candidates)
SELECT workspace_id, respond_id, status, rule, salesforce_id, email_key, phone_key, candidate_count, candidates FROM contested;

-- name: has_keyless_contacts
-- Tell whether a contact without a key has yet to get its reason.
-- Params: none | Rows: 1 (has_keyless)
SELECT EXISTS (SELECT FROM verdict WHERE status = 'unmatched' AND rule IS NULL) AS has_keyless;

-- name: explain_keyless
-- Give each contact without a key its reason: a value that cannot be one, or no value at all.
-- Params: none | Rows: none
WITH unusable AS (
    SELECT DISTINCT workspace_id, respond_id
      FROM verdict v
      JOIN respond_raw_value r USING (workspace_id, respond_id)
      JOIN key_rule u USING (kind, region, raw_digest)
     WHERE v.status = 'unmatched'
       AND v.rule IS NULL
       AND u.reason IS DISTINCT FROM 'empty'
)
UPDATE verdict v
   SET rule = CASE WHEN EXISTS (
           SELECT FROM unusable u WHERE u.workspace_id = v.workspace_id AND u.respond_id = v.respond_id)
              THEN 'invalid_identifier' ELSE 'no_identifier' END
 WHERE v.status = 'unmatched'
   AND v.rule IS NULL;

-- name: delete_stale_matches
-- Remove matches that no longer hold.
-- Params: org_id text | Rows: none
DELETE FROM contact_match m
 USING verdict v
 WHERE m.org_id = %(org_id)s
   AND m.workspace_id = v.workspace_id
   AND m.respond_id = v.respond_id
   AND v.status <> 'matched';

-- name: delete_stale_issues
-- Remove issues that no longer hold.
-- Params: org_id text | Rows: none
DELETE FROM match_issue i
 USING verdict v
 WHERE i.org_id = %(org_id)s
   AND i.workspace_id = v.workspace_id
   AND i.respond_id = v.respond_id
   AND v.status IN ('matched', 'gone');

-- name: update_matches
-- Write the matches that are different; when the contact was first matched is kept.
-- Params: org_id text | Rows: none
UPDATE contact_match m
   SET org_id = %(org_id)s, salesforce_id = v.salesforce_id, matched_by = v.rule, email_key = v.email_key,
       phone_key = v.phone_key, updated_at = now()
  FROM verdict v
  JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = %(org_id)s
 WHERE m.workspace_id = v.workspace_id
   AND m.respond_id = v.respond_id
   AND v.status = 'matched'
   AND (m.org_id, m.salesforce_id, m.matched_by, m.email_key, m.phone_key)
       IS DISTINCT FROM (%(org_id)s, v.salesforce_id, v.rule, v.email_key, v.phone_key);

-- name: update_issues
-- Write the issues that are different.
-- Params: org_id text | Rows: none
UPDATE match_issue i
   SET org_id = %(org_id)s, status = v.status, reason = v.rule, candidate_count = v.candidate_count,
       candidates = v.candidates, updated_at = now()
  FROM verdict v
  JOIN workspace w ON w.workspace_id = v.workspace_id AND w.org_id = %(org_id)s
 WHERE i.workspace_id = v.workspace_id
   AND i.respond_id = v.respond_id
   AND v.status IN ('ambiguous', 'unmatched')
   AND (i.org_id, i.status, i.reason, i.candidate_count, i.candidates)
       IS DISTINCT FROM (%(org_id)s, v.status, v.rule, v.candidate_count, v.candidates);

-- name: insert_verdicts
-- Write the matches and issues that are new.
-- Params: org_id text | Rows: 1 (written)
SELECT insert_verdicts(%(org_id)s) AS written;

-- name: count_verdicts
-- Count the verdicts of this run.
-- Params: none | Rows: 1 (looked_at, matched, ambiguous, unmatched)
SELECT count(*) AS looked_at,
       count(*) FILTER (WHERE status = 'matched') AS matched,
       count(*) FILTER (WHERE status = 'ambiguous') AS ambiguous,
       count(*) FILTER (WHERE status = 'unmatched') AS unmatched
  FROM verdict;

-- name: analyze_matches
-- Let the planner know what was written: after a first match it would take the tables for empty.
-- Params: none | Rows: 1
SELECT analyze_matches();
