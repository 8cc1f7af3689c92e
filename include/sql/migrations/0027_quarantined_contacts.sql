-- Quarantined respond contacts are known by id, so that they are resolved when they land; winners nobody shows do not block others.

ALTER TABLE quarantined_row ADD COLUMN respond_id bigint;
COMMENT ON COLUMN quarantined_row.respond_id IS 'The respond contact the row is of; resolved when the walk or a look brings it whole.';
UPDATE quarantined_row
   SET respond_id = substring(raw from '"(?:respond_)?id": ?(\d{1,18})\M')::bigint
 WHERE workspace_id IS NOT NULL;
CREATE INDEX quarantined_row_open_contact ON quarantined_row (workspace_id, respond_id) WHERE resolved_at IS NULL;
CREATE INDEX quarantined_row_open_record ON quarantined_row (org_id, salesforce_id) WHERE resolved_at IS NULL;

CREATE TABLE absent_winner (
    org_id         salesforce_id NOT NULL REFERENCES salesforce_org ON DELETE CASCADE,
    salesforce_id  salesforce_id NOT NULL,
    asked_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, salesforce_id)
);
COMMENT ON TABLE absent_winner IS 'Winners of merges that Salesforce did not show when they were asked for by id; asked for again after a day.';
COMMENT ON COLUMN absent_winner.asked_at IS 'When it was last asked for.';
