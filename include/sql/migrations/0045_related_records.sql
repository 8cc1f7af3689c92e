-- Fields of every record that a contact refers to may be shown, each relationship described once somebody shows a field of it.

ALTER TABLE salesforce_field
    ADD COLUMN relationship text,
    ADD COLUMN refers_to text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN salesforce_field.relationship IS 'Of a reference: what its record is called in queries, as in Owner.Name; null for other fields.';
COMMENT ON COLUMN salesforce_field.refers_to IS 'Of a reference: the objects that its record may be of.';
INSERT INTO analyst_column (relation, mask, name)
VALUES ('salesforce_field', 'plain', 'relationship'), ('salesforce_field', 'plain', 'refers_to');
-- what is remembered does not say where references lead: it is asked for once more, whole
UPDATE salesforce_org SET describe_versions = '{}', described_at = NULL WHERE connected_at IS NOT NULL;

-- Nor is the first describe of a record that contacts refer to.
CREATE OR REPLACE FUNCTION record_field_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO salesforce_field_event (org_id, field_name, event)
        SELECT n.org_id, n.name, 'new'
          FROM new_rows n JOIN salesforce_org o USING (org_id)
         WHERE o.described_at IS NOT NULL
           AND EXISTS (
               SELECT FROM salesforce_field f
                WHERE f.org_id = n.org_id
                  AND (position('.' IN n.name) = 0 OR split_part(f.name, '.', 1) = split_part(n.name, '.', 1))
                  AND f.name NOT IN (SELECT m.name FROM new_rows m WHERE m.org_id = n.org_id))
         ORDER BY n.org_id, n.name;
        RETURN NULL;
    END IF;
    INSERT INTO salesforce_field_event (org_id, field_name, event, detail)
    SELECT n.org_id, n.name,
           CASE WHEN o.lost_at IS NULL AND n.lost_at IS NOT NULL THEN 'lost'
                WHEN o.lost_at IS NOT NULL AND n.lost_at IS NULL THEN 'regained'
                ELSE 'changed' END,
           coalesce(d.detail, '{}')
      FROM new_rows n
      JOIN old_rows o USING (org_id, name)
     CROSS JOIN LATERAL (
           SELECT jsonb_object_agg(a.key, jsonb_build_object('from', b.value, 'to', a.value)) AS detail
             FROM jsonb_each(to_jsonb(n)) AS a
             JOIN jsonb_each(to_jsonb(o)) AS b USING (key)
            WHERE a.key IN ('label', 'type', 'length', 'updateable', 'calculated', 'nillable', 'restricted', 'picklist')
              AND a.value <> b.value) AS d
     WHERE d.detail IS NOT NULL OR (n.lost_at IS NULL) <> (o.lost_at IS NULL)
     ORDER BY n.org_id, n.name;
    RETURN NULL;
END
$$;
