-- The door of the edit queue: what an agent may ask for, and what can be taken back.
-- queued | parked > discarded | superseded; the rest of an edit's life is in apply_edits.sql.

-- name: set_actor
-- Say who acts in this transaction; the history keeps it.
-- Params: actor text | Rows: 1
SELECT set_config('contact_sync.actor', %(actor)s, true);

-- name: select_edit_context
-- Read all that decides whether an edit may be queued, in one row.
-- Params: workspace_id text, respond_id bigint, field_name text | Rows: 0..1 (org_id, editing_enabled, salesforce_id, is_chosen, is_editable, name, label, type, length, updateable, calculated, nillable, restricted, picklist, lost_at, is_known)
SELECT w.org_id, w.editing_enabled, m.salesforce_id, c.field_name IS NOT NULL AS is_chosen,
       coalesce(c.editable, false) AS is_editable, r.respond_id IS NOT NULL AS is_known,
       f.name, f.label, f.type, f.length, f.updateable, f.calculated, f.nillable, f.restricted, f.picklist, f.lost_at
  FROM workspace w
  LEFT JOIN respond_contact r ON r.workspace_id = w.workspace_id AND r.respond_id = %(respond_id)s
  LEFT JOIN contact_match m ON m.workspace_id = w.workspace_id AND m.respond_id = %(respond_id)s
  LEFT JOIN sidebar_field_choice c ON c.workspace_id = w.workspace_id AND c.field_name = %(field_name)s
  LEFT JOIN salesforce_field f ON f.org_id = w.org_id AND f.name = %(field_name)s
 WHERE w.workspace_id = %(workspace_id)s;

-- name: select_edit_by_key
-- Find the edit that an idempotency key already made.
-- Params: workspace_id text, idempotency_key text | Rows: 0..1 (edit_id, request_digest)
SELECT edit_id, request_digest
  FROM field_edit
 WHERE workspace_id = %(workspace_id)s
   AND idempotency_key = %(idempotency_key)s;

-- name: lock_edited_field
-- Let edits of one contact and field through the door one at a time, until this transaction ends.
-- Params: org_id text, salesforce_id text, field_name text | Rows: 1
SELECT pg_advisory_xact_lock(hashtextextended('edit:' || %(org_id)s || %(salesforce_id)s || %(field_name)s, 0));

-- name: supersede_edit
-- Take the workspace's queued edit of this contact and field back for a later one, which inherits its base.
-- Params: workspace_id text, salesforce_id text, field_name text | Rows: 0..1 (edit_id, base_value, after_edit_id)
UPDATE field_edit
   SET status = 'superseded', settled_at = now()
 WHERE workspace_id = %(workspace_id)s
   AND target_salesforce_id = %(salesforce_id)s
   AND field_name = %(field_name)s
   AND status = 'queued'
RETURNING edit_id, base_value, after_edit_id;

-- name: supersede_parked_edits
-- Let a later edit of this contact and field stand in place of parked ones: an older wish never comes back over it.
-- Params: workspace_id text, salesforce_id text, field_name text | Rows: none
UPDATE field_edit
   SET status = 'superseded', settled_at = now()
 WHERE workspace_id = %(workspace_id)s
   AND target_salesforce_id = %(salesforce_id)s
   AND field_name = %(field_name)s
   AND status = 'parked';

-- name: select_edit_in_flight
-- Find the workspace's edit of this contact and field that is being applied; another workspace's was not seen by the agent.
-- Params: org_id text, workspace_id text, salesforce_id text, field_name text | Rows: 0..1 (edit_id)
SELECT edit_id
  FROM field_edit
 WHERE org_id = %(org_id)s
   AND workspace_id = %(workspace_id)s
   AND target_salesforce_id = %(salesforce_id)s
   AND field_name = %(field_name)s
   AND status = 'applying';

-- name: insert_edit
-- Queue an edit.
-- Params: org_id text, workspace_id text, salesforce_id text, respond_id bigint, field_name text, base_value json, new_value json, after_edit_id bigint, reverts_edit_id bigint, requested_by text, idempotency_key text, request_digest bytea | Rows: 1 (edit_id)
INSERT INTO field_edit (
       org_id, workspace_id, salesforce_id, target_salesforce_id, respond_id, field_name, base_value, new_value,
       after_edit_id, reverts_edit_id, requested_by, idempotency_key, request_digest)
VALUES (%(org_id)s, %(workspace_id)s, %(salesforce_id)s, %(salesforce_id)s, %(respond_id)s, %(field_name)s,
        %(base_value)s::jsonb, %(new_value)s::jsonb, %(after_edit_id)s, %(reverts_edit_id)s, %(requested_by)s,
        %(idempotency_key)s, %(request_digest)s)
RETURNING edit_id;

-- name: select_edit
-- Read one edit of a workspace.
-- Params: workspace_id text, edit_id bigint | Rows: 0..1 (edit_id, org_id, workspace_id, salesforce_id, target_salesforce_id, respond_id, field_name, base_value, new_value, stored_value, after_edit_id, reverts_edit_id, requested_by, requested_at, status, attempts, sent_at, error_code, error_detail, changed_by_salesforce, settled_at)
SELECT edit_id, org_id, workspace_id, salesforce_id, target_salesforce_id, respond_id, field_name, base_value, new_value,
       stored_value, after_edit_id, reverts_edit_id, requested_by, requested_at, status, attempts, sent_at, error_code,
       error_detail, changed_by_salesforce, settled_at
  FROM field_edit
 WHERE workspace_id = %(workspace_id)s
   AND edit_id = %(edit_id)s;

-- name: select_effective_contact
-- Find the live contact that a record stands for, itself or the winner of its merges.
-- Params: org_id text, salesforce_id text | Rows: 1 (salesforce_id)
SELECT effective_contact_id(%(org_id)s, %(salesforce_id)s) AS salesforce_id;

-- name: discard_edit
-- Take an edit back that was not sent yet; no row means that it is too late.
-- Params: workspace_id text, edit_id bigint | Rows: none
UPDATE field_edit
   SET status = 'discarded', settled_at = now()
 WHERE workspace_id = %(workspace_id)s
   AND edit_id = %(edit_id)s
   AND status IN ('queued', 'parked');
