-- What the sidebar service needs: which webhooks were heard, and the edits of a contact by field.
-- A webhook's row is written in the transaction that writes its contact: heard twice, done once.

CREATE TABLE webhook_event (
    workspace_id  text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    event_id      text NOT NULL,
    event_type    text NOT NULL,
    outcome       text NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, event_id)
);
CREATE INDEX webhook_event_by_time ON webhook_event (received_at);
COMMENT ON TABLE webhook_event IS 'Webhooks of respond.io by event_id, kept a week, so that a repeated delivery does nothing.';
COMMENT ON COLUMN webhook_event.outcome IS 'taken: its contact was written if it was news; ignored: it brings no whole contact; quarantined: its contact could not be stored.';

-- in this order the latest edit of each field is the first entry met
CREATE INDEX field_edit_by_field ON field_edit (workspace_id, target_salesforce_id, field_name, edit_id DESC);
