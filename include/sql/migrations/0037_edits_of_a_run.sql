-- Whether a run is green is asked of all edits that it took on; without this that would be a look at every edit.

CREATE INDEX field_edit_by_run ON field_edit (claimed_by) WHERE claimed_by IS NOT NULL;
