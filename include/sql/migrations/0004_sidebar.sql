-- What an agent's sidebar reads: one row of values per respond contact, one layout per workspace.
-- Labels, order and editability live in the layout, so that a new label rewrites one row and not a million.

CREATE TABLE sidebar_fields (
    org_id          salesforce_id NOT NULL,
    workspace_id    text NOT NULL,
    respond_id      bigint NOT NULL,
    salesforce_id   salesforce_id,
    salesforce_url  text,
    match_status    text NOT NULL,
    matched_by      text,
    fields          jsonb NOT NULL DEFAULT '{}',
    stale           jsonb NOT NULL DEFAULT '{}',
    as_of           timestamptz,
    refreshed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, respond_id),
    CONSTRAINT sidebar_fields_match_status CHECK (match_status IN ('matched', 'ambiguous')),
    CONSTRAINT sidebar_fields_matched_has_contact CHECK ((match_status = 'matched') = (salesforce_id IS NOT NULL))
);
CREATE INDEX sidebar_fields_by_salesforce ON sidebar_fields (org_id, salesforce_id);
COMMENT ON TABLE sidebar_fields IS 'Read-optimized: one row per matched or ambiguous respond contact, with the chosen fields only.';
COMMENT ON COLUMN sidebar_fields.fields IS '{API name: value} of the chosen fields.';
COMMENT ON COLUMN sidebar_fields.stale IS '{API name: since when} of values that can no longer be read.';
COMMENT ON COLUMN sidebar_fields.as_of IS 'Salesforce''s clock at the read that gave these values.';

CREATE TABLE sidebar_layout (
    workspace_id  text PRIMARY KEY REFERENCES workspace ON DELETE CASCADE,
    layout        jsonb NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sidebar_layout IS 'Per workspace, in order: name, label, type, editable and, if not editable, the reason.';
