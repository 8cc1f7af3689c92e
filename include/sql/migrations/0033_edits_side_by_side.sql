-- How a workspace's edits are sent: on condition that the record did not move, or many a call and without it.

ALTER TABLE workspace
    ADD COLUMN edit_sending text NOT NULL DEFAULT 'conditional',
    ADD CONSTRAINT workspace_edit_sending_is_known CHECK (edit_sending IN ('conditional', 'collections'));
COMMENT ON COLUMN workspace.edit_sending IS 'conditional: edits are sent on condition that nobody changed the record since it was read, 25 a call; collections: 200 a call without that condition, so a change made within the second between reading and writing is overwritten.';
