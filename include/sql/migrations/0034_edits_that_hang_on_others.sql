-- Forgetting an old edit asks whether another one hangs on it; without these each would be a look at all edits.

CREATE INDEX field_edit_by_predecessor ON field_edit (after_edit_id) WHERE after_edit_id IS NOT NULL;
CREATE INDEX field_edit_by_reverted ON field_edit (reverts_edit_id) WHERE reverts_edit_id IS NOT NULL;
