-- A window that was queried before an edit was written must not undo it in the mirror when it is merged after.

ALTER TABLE field_edit ADD COLUMN stored_modstamp timestamptz;
COMMENT ON COLUMN field_edit.stored_modstamp IS 'SystemModstamp under which stored_value was read; the mirror may hold an older record still.';

CREATE INDEX field_edit_by_settlement ON field_edit (org_id, settled_at) WHERE status = 'applied' AND stored_modstamp IS NOT NULL;
