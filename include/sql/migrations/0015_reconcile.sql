-- The daily comparison of all ids.

-- A crash of the server may empty it: the comparison is then made again.
CREATE UNLOGGED TABLE salesforce_listing (
    org_id           salesforce_id NOT NULL,
    salesforce_id    text NOT NULL,
    system_modstamp  timestamptz NOT NULL,
    is_deleted       boolean NOT NULL,
    PRIMARY KEY (org_id, salesforce_id)
);
COMMENT ON TABLE salesforce_listing IS 'All ids that Salesforce listed, while they are compared with the mirror; empty otherwise.';
