-- What counted as a burst when the verdict was given: the setting may be another by now.

COMMENT ON COLUMN salesforce_contact.bulk_evidence IS 'What the verdict rests on: the ingest job; burst, the records of its creator around it; and what made a burst then: burst_size of them within burst_seconds.';
