-- The current log-in of each org, encrypted; the row is the lock that makes log-ins single-flight. And what a person authorizes.
-- Without rejected_at the token is good or unknown; with it Salesforce refused the last log-in, for rejected_reason.

-- name: select_salesforce_token
-- Read an org's token without locking it.
-- Params: org_id text | Rows: 0..1 (access_token_enc, instance_url, issued_at)
SELECT access_token_enc, instance_url, issued_at
  FROM salesforce_token
 WHERE org_id = %(org_id)s;

-- name: select_refresh_tokens
-- Read the refresh tokens of the orgs that a connection logged in to.
-- Params: conn_id text | Rows: 0..n (org_id, refresh_token_enc)
SELECT salesforce_token.org_id, salesforce_token.refresh_token_enc
  FROM salesforce_token
  JOIN salesforce_org USING (org_id)
 WHERE salesforce_org.conn_id = %(conn_id)s
   AND salesforce_token.refresh_token_enc IS NOT NULL
 ORDER BY salesforce_token.org_id;

-- name: insert_salesforce_token
-- Make sure that the org has a row to lock.
-- Params: org_id text | Rows: none
INSERT INTO salesforce_token (org_id)
VALUES (%(org_id)s)
ON CONFLICT (org_id) DO NOTHING;

-- name: lock_salesforce_token
-- Lock an org's token for the one worker that may log in, and say whether a refusal of these credentials is still fresh.
-- Params: org_id text, fresh_seconds float, credentials text | Rows: 0..1 (tokens, instance_url, issued_at, reason, is_refused)
SELECT access_token_enc, refresh_token_enc, instance_url, issued_at, rejected_reason,
       coalesce(rejected_at > clock_timestamp() - make_interval(secs => %(fresh_seconds)s)
                AND rejected_credentials = %(credentials)s, false) AS is_refused
  FROM salesforce_token
 WHERE org_id = %(org_id)s
   FOR UPDATE;

-- name: update_salesforce_token
-- Store a new log-in; a refresh token that did not rotate stays.
-- Params: org_id text, access_token_enc text, refresh_token_enc text, instance_url text, issued_at timestamptz | Rows: none
UPDATE salesforce_token
   SET access_token_enc = %(access_token_enc)s,
       refresh_token_enc = coalesce(%(refresh_token_enc)s, refresh_token_enc),
       instance_url = %(instance_url)s,
       issued_at = %(issued_at)s,
       rejected_at = NULL,
       rejected_reason = NULL,
       rejected_credentials = NULL
 WHERE org_id = %(org_id)s;

-- name: reject_salesforce_token
-- Remember that Salesforce refused to log us in, so that other workers stop at once.
-- Params: org_id text, reason text, credentials text | Rows: none
UPDATE salesforce_token
   SET access_token_enc = NULL,
       rejected_at = clock_timestamp(),
       rejected_reason = %(reason)s,
       rejected_credentials = %(credentials)s
 WHERE org_id = %(org_id)s;

-- name: upsert_authorization
-- Remember what a person is asked to authorize; a newer question replaces the older one.
-- Params: conn_id text, state text, verifier_enc text, redirect_uri text | Rows: none
INSERT INTO salesforce_authorization (conn_id, state, verifier_enc, redirect_uri)
VALUES (%(conn_id)s, %(state)s, %(verifier_enc)s, %(redirect_uri)s)
ON CONFLICT (conn_id) DO UPDATE
   SET state = excluded.state, verifier_enc = excluded.verifier_enc, redirect_uri = excluded.redirect_uri, asked_at = now();

-- name: select_authorization
-- Read what a person was asked to authorize.
-- Params: conn_id text | Rows: 0..1 (state, verifier_enc, redirect_uri)
SELECT state, verifier_enc, redirect_uri
  FROM salesforce_authorization
 WHERE conn_id = %(conn_id)s;

-- name: delete_authorization
-- Forget a question that was answered: a code is worth one grant.
-- Params: conn_id text | Rows: none
DELETE FROM salesforce_authorization
 WHERE conn_id = %(conn_id)s;
