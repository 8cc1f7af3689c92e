-- A field that was lost and is back holds old values: whatever changed in between was read without it.

ALTER TABLE salesforce_field ADD COLUMN regained_at timestamptz;
COMMENT ON COLUMN salesforce_field.regained_at IS 'Since when the describe shows it again after it was lost: read anew for all contacts from then on.';
