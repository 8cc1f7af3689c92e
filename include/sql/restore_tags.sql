-- Our tag on contacts that we created: put back when somebody removed it.
-- Reads contact_creation (tagged ones) and the mirror's tags; notes there which tags were refused, and got on after all.

-- name: list_workspaces_tagging
-- List the connected workspaces that tag what they create.
-- Params: none | Rows: 0..n (workspace_id)
SELECT workspace_id
  FROM workspace
 WHERE org_id IS NOT NULL
   AND tag_created
 ORDER BY workspace_id;

-- name: select_untagged_contacts
-- List contacts that we tagged, or whose tag was refused, and that the mirror shows without it; those after a given one.
-- Params: workspace_id text, tag text, after_id bigint, batch_size int | Rows: 0..batch_size (respond_id)
SELECT r.respond_id
  FROM contact_creation c
  JOIN respond_contact r USING (workspace_id, respond_id)
 WHERE c.workspace_id = %(workspace_id)s
   AND c.status = 'tagged'
   AND (%(tag)s = ANY (c.tags) OR c.error_code = 'tag_refused')
   AND r.gone_at IS NULL
   AND r.respond_id > %(after_id)s
   AND NOT coalesce(r.payload -> 'tags', '[]') ? %(tag)s
 ORDER BY r.respond_id
 LIMIT %(batch_size)s;

-- name: settle_refused_tag
-- Note that a contact has the tag that was refused before.
-- Params: workspace_id text, respond_id bigint, tag text | Rows: none
UPDATE contact_creation
   SET tags = ARRAY[%(tag)s::text], error_code = NULL, error_detail = NULL, refused_run_id = NULL
 WHERE workspace_id = %(workspace_id)s
   AND respond_id = %(respond_id)s
   AND status = 'tagged'
   AND error_code = 'tag_refused';
