-- Whether an org is big is known when it is connected: its first load need not begin with a count.

ALTER TABLE salesforce_org ADD COLUMN approximate_contacts bigint;
COMMENT ON COLUMN salesforce_org.approximate_contacts IS 'About how many contacts Salesforce said the org holds when it was connected; null where it did not say.';
