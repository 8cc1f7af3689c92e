-- A first match names its workspace to the sidebar's feed, and not each of a million contacts.

CREATE OR REPLACE FUNCTION feed_contact_match() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- so many in one statement, and a quarter of all, are compared in one join anyway
    is_most boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) > 100000 AND count(*) * 4 >= (SELECT reltuples FROM pg_class WHERE oid = 'contact_match'::regclass)
          INTO is_most FROM new_rows;
        IF is_most THEN
            INSERT INTO pending_change (org_id, workspace_id, entity)
            SELECT DISTINCT org_id, workspace_id, 'sidebar_row' FROM new_rows;
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, 'sidebar_row',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, workspace_id, respond_id::text AS id, (row_number() OVER () - 1) / per_change AS share
                  FROM new_rows, (SELECT entities_per_change(count(*)) AS per_change FROM new_rows) AS n) AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    ELSE
        INSERT INTO pending_change (org_id, workspace_id, entity, entity_id, entity_ids)
        SELECT c.org_id, c.workspace_id, 'sidebar_row',
               CASE WHEN count(*) = 1 THEN min(c.id) END, CASE WHEN count(*) > 1 THEN array_agg(c.id) END
          FROM (SELECT org_id, workspace_id, respond_id::text AS id, (row_number() OVER () - 1) / per_change AS share
                  FROM old_rows, (SELECT entities_per_change(count(*)) AS per_change FROM old_rows) AS n) AS c
         GROUP BY c.org_id, c.workspace_id, c.share;
    END IF;
    RETURN NULL;
END
$$;

-- The same rules, asked once per row.
ALTER TABLE sidebar_fields DROP CONSTRAINT sidebar_fields_match_status;
ALTER TABLE sidebar_fields DROP CONSTRAINT sidebar_fields_matched_has_contact;
ALTER TABLE sidebar_fields ADD CONSTRAINT sidebar_fields_matched_has_contact CHECK (
    CASE match_status WHEN 'matched' THEN salesforce_id IS NOT NULL WHEN 'ambiguous' THEN salesforce_id IS NULL ELSE false END);
