-- What the gate's hold of an org means for the contacts that were planned from its records.

COMMENT ON COLUMN contact_creation.status IS 'planned, creating, created, tagged, adopted, skipped, held (planned, and withheld while the quality gate holds the org) or rejected.';
COMMENT ON TABLE quality_run IS 'One row per run of an org''s quality suites. While the latest one is held, the org is not matched, and no contact is created from its records.';
