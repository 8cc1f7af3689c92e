-- Exact mode compares spellings of what is a key: "n/a" on both sides is nobody, and 030 123456 is another number in another country.

COMMENT ON COLUMN workspace.match_mode IS 'normalized compares keys; exact compares the raw bytes of what is a key.';
COMMENT ON COLUMN salesforce_key.key IS 'The comparable form of the value; of email_raw the value as written, of phone_raw the key and the value as written.';
COMMENT ON COLUMN respond_key.key IS 'The comparable form of the value; of email_raw the value as written, of phone_raw the key and the value as written.';

-- the raw keys of orgs that serve a workspace in exact mode are made anew
INSERT INTO pending_change (org_id, entity)
SELECT DISTINCT org_id, 'salesforce_contact' FROM workspace WHERE match_mode = 'exact' AND org_id IS NOT NULL;
INSERT INTO pending_change (org_id, workspace_id, entity)
SELECT org_id, workspace_id, 'respond_contact' FROM workspace WHERE match_mode = 'exact' AND org_id IS NOT NULL;
