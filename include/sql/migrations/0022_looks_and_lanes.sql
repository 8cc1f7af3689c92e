-- What the walk leaves room for: contacts that an agent just opened, new ones between walks, and calls that go first.

CREATE TABLE respond_look (
    workspace_id  text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    respond_id    bigint NOT NULL,
    asked_at      timestamptz,
    answered_at   timestamptz,
    PRIMARY KEY (workspace_id, respond_id)
);
CREATE INDEX respond_look_waiting ON respond_look (workspace_id, asked_at) WHERE asked_at IS NOT NULL;
COMMENT ON TABLE respond_look IS 'Respond contacts that are asked for one by one, and when respond.io last answered for them; kept a day.';
COMMENT ON COLUMN respond_look.asked_at IS 'An agent opened the contact then, and nobody has asked respond.io for it since; null = nobody waits.';
COMMENT ON COLUMN respond_look.answered_at IS 'When respond.io last answered for this contact alone, if only that there is none.';

ALTER TABLE respond_walk ADD COLUMN sought_new_at timestamptz;
COMMENT ON COLUMN respond_walk.sought_new_at IS 'When contacts created since were last asked for during this walk.';

ALTER TABLE rate_bucket
    ADD COLUMN edit_until timestamptz,
    ADD COLUMN create_until timestamptz;
COMMENT ON COLUMN rate_bucket.edit_until IS 'Until then calls that an agent waits for go before all others.';
COMMENT ON COLUMN rate_bucket.create_until IS 'Until then calls that create contacts go before the walk''s.';

ALTER TABLE workspace
    ADD COLUMN id_field text,
    ADD COLUMN tag_made_at timestamptz,
    ADD CONSTRAINT workspace_id_field_is_a_name CHECK (length(id_field) BETWEEN 1 AND 50);
COMMENT ON COLUMN workspace.id_field IS 'Custom field of the respond.io workspace that created contacts keep their Salesforce id in; null = none.';
COMMENT ON COLUMN workspace.tag_made_at IS 'When we made sure that the workspace has our tag, with its colour and description.';
