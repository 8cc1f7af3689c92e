-- A log of deletions with more contacts than one run asks for is read on by id, so that those who came back cannot hold it up.

ALTER TABLE salesforce_org
    ADD COLUMN deletes_through timestamptz,
    ADD COLUMN deletes_after_id salesforce_id,
    ADD CONSTRAINT salesforce_org_deletes_go_on_within_a_range CHECK ((deletes_through IS NULL) = (deletes_after_id IS NULL));
COMMENT ON COLUMN salesforce_org.deletes_through IS 'End of the range of the log of deletions that is read in several runs; null when the last one was read whole.';
COMMENT ON COLUMN salesforce_org.deletes_after_id IS 'The contact up to whose id that range was read; the next run goes on behind it.';

-- The job that lists all ids of an org is found again by the next try of the daily comparison.

ALTER TABLE salesforce_org
    ADD COLUMN listing_job_id text,
    ADD COLUMN listing_begun_at timestamptz,
    ADD CONSTRAINT salesforce_org_listing_has_time CHECK ((listing_job_id IS NULL) = (listing_begun_at IS NULL));
COMMENT ON COLUMN salesforce_org.listing_job_id IS 'Salesforce''s bulk job that lists all ids for the daily comparison; null when none is under way.';
COMMENT ON COLUMN salesforce_org.listing_begun_at IS 'Salesforce''s clock when that job was made: what was read since then may be younger than the list.';
INSERT INTO analyst_column (relation, mask, name) VALUES ('salesforce_org', 'plain', 'listing_job_id');
