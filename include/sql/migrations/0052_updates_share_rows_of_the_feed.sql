-- A mass update of contacts shares rows of the change feed as a load does: ten thousand changed contacts are twenty rows, not twenty thousand.

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
        INSERT INTO pending_change (org_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.entity, CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT n.org_id, f.entity, n.salesforce_id::text AS id,
                       (row_number() OVER (PARTITION BY f.entity) - 1) / entities_per_change(count(*) OVER (PARTITION BY f.entity)) AS share
                  FROM new_rows n
                  JOIN old_rows o USING (org_id, salesforce_id)
                 CROSS JOIN LATERAL (
                       SELECT 'salesforce_contact'
                        WHERE (n.email, n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country, n.presence, n.master_record_id, n.created_at)
                           IS DISTINCT FROM
                              (o.email, o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country, o.presence, o.master_record_id, o.created_at)
                        UNION ALL
                       SELECT 'sidebar_row'
                        WHERE (n.first_name, n.last_name, n.email, n.phone, n.mobile_phone, n.home_phone, n.other_phone, n.country, n.payload, n.presence, n.read_at)
                           IS DISTINCT FROM
                              (o.first_name, o.last_name, o.email, o.phone, o.mobile_phone, o.home_phone, o.other_phone, o.country, o.payload, o.presence, o.read_at)) AS f (entity)) AS c
         GROUP BY c.org_id, c.entity, c.share;
    END IF;
    RETURN NULL;
END
$$;
