-- What merging a page of a first load cost beside its rows: a tree by creation, and a row of the feed for each contact.

-- Who was created since a switch was put on is asked of the table's end: contacts come in about the order of their creation.
DROP INDEX salesforce_contact_by_creation;
CREATE INDEX salesforce_contact_by_creation ON salesforce_contact
    USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE OR REPLACE FUNCTION feed_salesforce_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- no sidebar row can show a contact that was not there
        INSERT INTO pending_change (org_id, entity, entity_id, entity_ids)
        SELECT c.org_id, 'salesforce_contact',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, salesforce_id::text AS id, (row_number() OVER () - 1) / per_change AS share
                  FROM new_rows, (SELECT entities_per_change(count(*)) AS per_change FROM new_rows) AS n) AS c
         GROUP BY c.org_id, c.share;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT org_id, 'salesforce_contact', salesforce_id FROM old_rows;
    ELSE
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT n.org_id, 'salesforce_contact', n.salesforce_id
          FROM new_rows n JOIN old_rows o USING (org_id, salesforce_id)
         WHERE (n.email, n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country, n.presence, n.master_record_id, n.created_at)
            IS DISTINCT FROM
               (o.email, o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country, o.presence, o.master_record_id, o.created_at);
        INSERT INTO pending_change (org_id, entity, entity_id)
        SELECT n.org_id, 'sidebar_row', n.salesforce_id
          FROM new_rows n JOIN old_rows o USING (org_id, salesforce_id)
         WHERE (n.first_name, n.last_name, n.email, n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country, n.payload, n.presence, n.read_at)
            IS DISTINCT FROM
               (o.first_name, o.last_name, o.email, o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country, o.payload, o.presence, o.read_at);
    END IF;
    RETURN NULL;
END
$$;
