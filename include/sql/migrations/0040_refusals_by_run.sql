-- In which run a creation or its tag was refused, so that this run is red although its task was tried again.

ALTER TABLE contact_creation ADD COLUMN refused_run_id text;
CREATE INDEX contact_creation_by_refusal ON contact_creation (refused_run_id) WHERE refused_run_id IS NOT NULL;
COMMENT ON COLUMN contact_creation.refused_run_id IS 'The run in which the contact was rejected, or its tag was refused.';
COMMENT ON COLUMN contact_creation.error_code IS 'What respond.io answered, or no_name, never_arrived, unclear (it is looked up again); phone_refused, email_refused: created without; tag_refused: there without its tag, which is tried again daily.';
INSERT INTO analyst_column (relation, name, mask) VALUES ('contact_creation', 'refused_run_id', 'plain');
