-- Orgs and workspaces: connecting, choosing fields, disconnecting.
-- A disconnect removes what agents see in one transaction; decisions and creations stay and serve again after a reconnect.

-- name: insert_org
-- Give a new org a row, so that its token has a place; it counts as connected only by upsert_org.
-- Params: org_id text, conn_id text | Rows: none
INSERT INTO salesforce_org (org_id, name, conn_id, disconnected_at)
VALUES (%(org_id)s, %(org_id)s, %(conn_id)s, now())
ON CONFLICT (org_id) DO NOTHING;

-- name: upsert_org
-- Remember an org under its connection; connecting again clears an earlier disconnect.
-- Params: org_id text, name text, conn_id text, instance_url text, api_version text, default_region text, poll_seconds int, integration_user_id text, approximate_contacts bigint | Rows: none
INSERT INTO salesforce_org AS held (
       org_id, name, conn_id, instance_url, api_version, default_region, integration_user_id, approximate_contacts,
       connected_at)
VALUES (%(org_id)s, %(name)s, %(conn_id)s, %(instance_url)s, %(api_version)s, %(default_region)s, %(integration_user_id)s,
        %(approximate_contacts)s, now())
ON CONFLICT (org_id) DO UPDATE
   SET name = excluded.name, conn_id = excluded.conn_id, instance_url = excluded.instance_url,
       api_version = excluded.api_version, default_region = coalesce(excluded.default_region, held.default_region),
       poll_seconds = coalesce(%(poll_seconds)s, held.poll_seconds),
       integration_user_id = excluded.integration_user_id, approximate_contacts = excluded.approximate_contacts, connected_at = coalesce(held.connected_at, now()),
       disconnected_at = NULL;

-- name: select_org
-- Read one org.
-- Params: org_id text | Rows: 0..1 (org_id, name, conn_id, instance_url, integration_user_id, poll_seconds, approximate_contacts, disconnected_at, described_at)
SELECT org_id, name, conn_id, instance_url, integration_user_id, poll_seconds, approximate_contacts, disconnected_at, described_at
  FROM salesforce_org
 WHERE org_id = %(org_id)s;

-- name: select_orgs
-- List all orgs.
-- Params: none | Rows: 0..n (org_id, name, conn_id, disconnected_at)
SELECT org_id, name, conn_id, disconnected_at
  FROM salesforce_org
 ORDER BY org_id;

-- name: upsert_salesforce_fields
-- Remember the describe; a field that is there again is no longer lost.
-- Params: org_id text, fields json | Rows: none
INSERT INTO salesforce_field AS held (
       org_id, name, label, type, length, updateable, calculated, nillable, restricted, picklist,
       relationship, refers_to, seen_at)
SELECT %(org_id)s, f.name, f.label, f.type, f.length, f.updateable, f.calculated, f.nillable, f.restricted, f.picklist,
       f.relationship, f.refers_to, now()
  FROM jsonb_to_recordset(%(fields)s::jsonb) AS f (
       name text, label text, type text, length integer, updateable boolean, calculated boolean, nillable boolean,
       restricted boolean, picklist text[], relationship text, refers_to text[])
ON CONFLICT (org_id, name) DO UPDATE
   SET label = excluded.label, type = excluded.type, length = excluded.length, updateable = excluded.updateable,
       calculated = excluded.calculated, nillable = excluded.nillable, restricted = excluded.restricted,
       picklist = excluded.picklist, relationship = excluded.relationship, refers_to = excluded.refers_to, seen_at = excluded.seen_at, lost_at = NULL,
       regained_at = CASE WHEN held.lost_at IS NULL THEN held.regained_at ELSE now() END
 WHERE (held.label, held.type, held.length, held.updateable, held.calculated, held.nillable, held.restricted, held.picklist,
        held.relationship, held.refers_to, held.lost_at)
    IS DISTINCT FROM
       (excluded.label, excluded.type, excluded.length, excluded.updateable, excluded.calculated, excluded.nillable,
        excluded.restricted, excluded.picklist, excluded.relationship, excluded.refers_to, NULL);

-- name: mark_lost_fields
-- Mark the fields that the describe no longer shows; list them.
-- Params: org_id text, names text[] | Rows: 0..n (name)
UPDATE salesforce_field
   SET lost_at = now()
 WHERE org_id = %(org_id)s
   AND lost_at IS NULL
   AND name <> ALL (%(names)s::text[])
RETURNING name;

-- name: touch_org_described
-- Remember when the fields were last asked for, whether in full, and which version of each object was told.
-- Params: org_id text, is_full boolean, versions json | Rows: none
UPDATE salesforce_org
   SET described_at = now(),
       described_fully_at = CASE WHEN %(is_full)s THEN now() ELSE described_fully_at END,
       describe_versions = %(versions)s::jsonb
 WHERE org_id = %(org_id)s;

-- name: select_describe_versions
-- Read which version of each object's describe is remembered.
-- Params: org_id text | Rows: 0..1 (describe_versions)
SELECT describe_versions
  FROM salesforce_org
 WHERE org_id = %(org_id)s;

-- name: is_describe_due
-- Tell whether to ask what changed in the describe (hourly), and whether to ask for all of it (daily).
-- Params: org_id text | Rows: 1 (is_due, is_full)
SELECT coalesce(described_at < now() - interval '1 hour', true) AS is_due,
       coalesce(described_fully_at < now() - interval '1 day', true) AS is_full
  FROM salesforce_org
 WHERE org_id = %(org_id)s;

-- name: select_salesforce_fields
-- List the remembered describe of an org.
-- Params: org_id text | Rows: 0..n (name, label, type, length, updateable, calculated, nillable, restricted, picklist, relationship, refers_to, lost_at)
SELECT name, label, type, length, updateable, calculated, nillable, restricted, picklist, relationship, refers_to, lost_at
  FROM salesforce_field
 WHERE org_id = %(org_id)s
 ORDER BY name;

-- name: select_fields_in_use
-- List the fields that any workspace of the org shows.
-- Params: org_id text | Rows: 0..n (field_name)
SELECT DISTINCT c.field_name
  FROM sidebar_field_choice c
  JOIN workspace w USING (workspace_id)
 WHERE w.org_id = %(org_id)s
 ORDER BY c.field_name;

-- name: insert_workspace
-- Make a workspace unless it is known.
-- Params: workspace_id text, name text, respond_conn_id text | Rows: none
INSERT INTO workspace (workspace_id, name, respond_conn_id)
VALUES (%(workspace_id)s, %(name)s, %(respond_conn_id)s)
ON CONFLICT (workspace_id) DO NOTHING;

-- name: update_workspace
-- Change the switches that are given; null leaves one as it is, an empty region or field clears it.
-- Params: workspace_id text, name text, respond_conn_id text, respond_org_id text, match_mode text, default_region text, ambiguous_policy text, shared_key_limit int, brake_share numeric, brake_count int, editing_enabled boolean, tag_created boolean, include_bulk_imports boolean, id_field text, edit_sending text | Rows: none
UPDATE workspace
   SET name = coalesce(%(name)s, name),
       respond_conn_id = coalesce(%(respond_conn_id)s, respond_conn_id),
       respond_org_id = coalesce(%(respond_org_id)s, respond_org_id),
       match_mode = coalesce(%(match_mode)s, match_mode),
       default_region = CASE WHEN %(default_region)s::text IS NULL THEN default_region ELSE nullif(%(default_region)s, '') END,
       ambiguous_policy = coalesce(%(ambiguous_policy)s, ambiguous_policy),
       shared_key_limit = coalesce(%(shared_key_limit)s, shared_key_limit),
       brake_share = coalesce(%(brake_share)s, brake_share),
       brake_count = coalesce(%(brake_count)s, brake_count),
       editing_enabled = coalesce(%(editing_enabled)s, editing_enabled),
       tag_created = coalesce(%(tag_created)s, tag_created),
       include_bulk_imports = coalesce(%(include_bulk_imports)s, include_bulk_imports),
       id_field = CASE WHEN %(id_field)s::text IS NULL THEN id_field ELSE nullif(%(id_field)s, '') END,
       edit_sending = coalesce(%(edit_sending)s, edit_sending)
 WHERE workspace_id = %(workspace_id)s;

-- name: switch_auto_create
-- Switch automatic creation on from now on, or off; switching on what is on changes nothing.
-- Params: workspace_id text, is_on boolean | Rows: none
UPDATE workspace
   SET auto_create_since = CASE WHEN %(is_on)s THEN now() END
 WHERE workspace_id = %(workspace_id)s
   AND (auto_create_since IS NOT NULL) <> %(is_on)s;

-- name: select_workspace
-- Read one workspace with all its switches.
-- Params: workspace_id text | Rows: 0..1 (workspace_id, name, org_id, respond_org_id, respond_conn_id, match_mode, default_region, ambiguous_policy, shared_key_limit, brake_share, brake_count, editing_enabled, auto_create_since, tag_created, include_bulk_imports, id_field, edit_sending, tag_made_at, created_at)
SELECT workspace_id, name, org_id, respond_org_id, respond_conn_id, match_mode, default_region, ambiguous_policy,
       shared_key_limit, brake_share, brake_count, editing_enabled, auto_create_since, tag_created,
       include_bulk_imports, id_field, edit_sending, tag_made_at, created_at
  FROM workspace
 WHERE workspace_id = %(workspace_id)s;

-- name: select_connected_workspaces
-- List the workspaces that serve an org.
-- Params: none | Rows: 0..n (workspace_id, org_id, respond_conn_id)
SELECT workspace_id, org_id, respond_conn_id
  FROM workspace
 WHERE org_id IS NOT NULL
 ORDER BY workspace_id;

-- name: connect_workspace
-- Let a workspace serve an org, which is read again if it had been left; its mirror is normalized and matched anew.
-- Params: workspace_id text, org_id text | Rows: none
WITH served_again AS (
    UPDATE salesforce_org SET disconnected_at = NULL WHERE org_id = %(org_id)s AND disconnected_at IS NOT NULL
)
UPDATE workspace
   SET org_id = %(org_id)s
 WHERE workspace_id = %(workspace_id)s
   AND org_id IS DISTINCT FROM %(org_id)s;

-- name: lock_workspace
-- Wait for the stages that are writing for a workspace, and keep others from beginning until this transaction ends.
-- Params: workspace_id text | Rows: 0..1 (workspace_id)
SELECT workspace_id
  FROM workspace
 WHERE workspace_id = %(workspace_id)s
   FOR NO KEY UPDATE;

-- name: lock_org
-- Let workspaces come to an org and leave it one after the other, so that the last one out is told from the next one in.
-- Params: org_id text | Rows: 0..1 (org_id)
SELECT org_id
  FROM salesforce_org
 WHERE org_id = %(org_id)s
   FOR NO KEY UPDATE;

-- name: lock_serving_workspaces
-- Keep the workspaces that serve an org from leaving it until this transaction ends.
-- Params: org_id text | Rows: 0..n (workspace_id)
SELECT workspace_id
  FROM workspace
 WHERE org_id = %(org_id)s
 ORDER BY workspace_id
   FOR SHARE;

-- name: disconnect_workspace
-- Let a workspace serve no org and remove its sidebar rows, matches, issues and keys, all in this statement; its edits wait.
-- Params: workspace_id text, sentence text | Rows: none
WITH left_org AS (
    UPDATE workspace SET org_id = NULL WHERE workspace_id = %(workspace_id)s AND org_id IS NOT NULL
    RETURNING workspace_id
), sidebar AS (
    DELETE FROM sidebar_fields WHERE workspace_id IN (SELECT workspace_id FROM left_org)
), matches AS (
    DELETE FROM contact_match WHERE workspace_id IN (SELECT workspace_id FROM left_org)
), issues AS (
    DELETE FROM match_issue WHERE workspace_id IN (SELECT workspace_id FROM left_org)
), keys AS (
    DELETE FROM respond_key WHERE workspace_id IN (SELECT workspace_id FROM left_org)
), edits AS (
    UPDATE field_edit SET status = 'parked', error_code = 'disconnected', error_detail = %(sentence)s
     WHERE workspace_id IN (SELECT workspace_id FROM left_org) AND status = 'queued'
)
SELECT workspace_id FROM left_org;

-- name: disconnect_abandoned_orgs
-- Mark orgs that no workspace serves any more: nothing is read from them.
-- Params: org_id text | Rows: none
UPDATE salesforce_org
   SET disconnected_at = now()
 WHERE org_id = %(org_id)s
   AND disconnected_at IS NULL
   AND NOT EXISTS (SELECT FROM workspace w WHERE w.org_id = salesforce_org.org_id);

-- name: delete_changes_of_workspace
-- Forget what was still to be looked at for a workspace that left its org, but what a stage is looking at.
-- Params: workspace_id text, org_id text | Rows: 1
SELECT delete_free_changes(%(workspace_id)s, %(org_id)s);

-- name: delete_field_choices
-- Remove the chosen fields that are not in the new list.
-- Params: workspace_id text, names text[] | Rows: none
DELETE FROM sidebar_field_choice
 WHERE workspace_id = %(workspace_id)s
   AND field_name <> ALL (%(names)s::text[]);

-- name: renew_fields_taken_up
-- Have fields read anew that nobody of the org shows now, if contacts were read without them since they last were filled.
-- Params: org_id text, names text[] | Rows: none
UPDATE salesforce_field f
   SET regained_at = now()
 WHERE f.org_id = %(org_id)s
   AND f.name = ANY (%(names)s::text[])
   AND NOT EXISTS (
       SELECT FROM sidebar_field_choice c
         JOIN workspace w USING (workspace_id)
        WHERE w.org_id = f.org_id AND c.field_name = f.name)
   AND EXISTS (
       SELECT FROM extract_window e
        WHERE e.org_id = f.org_id
          AND e.kind = 'incremental'
          AND e.status <> 'failed'
          AND f.name <> ALL (e.fields)
          AND (f.regained_at IS NULL OR e.started_at IS NULL OR e.started_at > f.regained_at));

-- name: upsert_field_choices
-- Choose fields in the order given.
-- Params: workspace_id text, names text[], labels text[], editable boolean[] | Rows: none
INSERT INTO sidebar_field_choice AS held (workspace_id, position, field_name, label, editable)
SELECT %(workspace_id)s, position, name, label, editable
  FROM unnest(%(names)s::text[], %(labels)s::text[], %(editable)s::boolean[])
       WITH ORDINALITY AS chosen (name, label, editable, position)
ON CONFLICT (workspace_id, field_name) DO UPDATE
   SET position = excluded.position, label = excluded.label, editable = excluded.editable
 WHERE (held.position, held.label, held.editable) IS DISTINCT FROM (excluded.position, excluded.label, excluded.editable);
