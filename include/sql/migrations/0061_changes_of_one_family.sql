-- A changed e-mail does not have phones normalized again, nor a phone the e-mail: the feed says which of them changed.

ALTER TABLE pending_change ADD COLUMN family text;
ALTER TABLE pending_change ADD CONSTRAINT pending_change_family CHECK (family IN ('email', 'phone'));
INSERT INTO analyst_column (relation, name, mask) VALUES ('pending_change', 'family', 'plain');
COMMENT ON COLUMN pending_change.family IS 'Of a salesforce_contact: email or phone where nothing else of what is normalized changed; null = everything.';

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
        INSERT INTO pending_change (org_id, entity, entity_id, entity_ids)
        SELECT c.org_id, 'salesforce_contact',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, salesforce_id::text AS id, (row_number() OVER () - 1) / per_change AS share
                  FROM old_rows, (SELECT entities_per_change(count(*)) AS per_change FROM old_rows) AS n) AS c
         GROUP BY c.org_id, c.share;
    ELSE
        INSERT INTO pending_change (org_id, entity, family, entity_id, entity_ids)
        SELECT c.org_id, c.entity, c.family, CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT n.org_id, f.entity, f.family, n.salesforce_id::text AS id,
                       (row_number() OVER (PARTITION BY f.entity, f.family) - 1)
                           / entities_per_change(count(*) OVER (PARTITION BY f.entity, f.family)) AS share
                  FROM new_rows n
                  JOIN old_rows o USING (org_id, salesforce_id)
                 CROSS JOIN LATERAL (
                       SELECT n.email IS DISTINCT FROM o.email AS has_email,
                              (n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country)
                              IS DISTINCT FROM (o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country) AS has_phone,
                              (n.presence, n.master_record_id, n.created_at)
                              IS DISTINCT FROM (o.presence, o.master_record_id, o.created_at) AS has_else) AS d
                 CROSS JOIN LATERAL (
                       SELECT 'salesforce_contact', CASE WHEN d.has_else OR d.has_email AND d.has_phone THEN NULL
                                                         WHEN d.has_email THEN 'email' ELSE 'phone' END
                        WHERE d.has_email OR d.has_phone OR d.has_else
                        UNION ALL
                       SELECT 'sidebar_row', NULL
                        WHERE (n.first_name, n.last_name, n.email, n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country, n.payload, n.presence, n.read_at)
                           IS DISTINCT FROM
                              (o.first_name, o.last_name, o.email, o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country, o.payload, o.presence, o.read_at)) AS f (entity, family)) AS c
         GROUP BY c.org_id, c.entity, c.family, c.share;
    END IF;
    RETURN NULL;
END
$$;
