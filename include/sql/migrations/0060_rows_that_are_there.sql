-- Rows that are there already are left out before their values are built, of few changes too: that was a quarter of writing what few show.

CREATE OR REPLACE FUNCTION write_matched_rows(wanted_workspace text, is_broad boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    values_of text := sidebar_expression(wanted_workspace);
    looked_at text := CASE WHEN is_broad THEN 'contact_match m' ELSE
        'changed_row x JOIN contact_match m ON m.workspace_id = x.workspace_id AND m.respond_id = x.respond_id' END;
    unless_there text := 'AND NOT EXISTS (SELECT FROM sidebar_fields h WHERE h.workspace_id = m.workspace_id AND h.respond_id = m.respond_id)';
    -- one that a creation wrote in the meantime is newer than what we know
    unless_written text := 'ON CONFLICT (workspace_id, respond_id) DO NOTHING';
    insertion text;
    -- of the column's own type: as text it would be checked for each row
    serving_org salesforce_id;
    base_url text;
    lost jsonb;
    changed bigint;
    added bigint;
BEGIN
    SELECT o.org_id, o.instance_url INTO serving_org, base_url
      FROM workspace w JOIN salesforce_org o ON o.org_id = w.org_id
     WHERE w.workspace_id = wanted_workspace;
    SELECT coalesce(jsonb_object_agg(f.name, f.lost_at), '{}') INTO lost
      FROM sidebar_field_choice c
      JOIN salesforce_field f ON f.org_id = serving_org AND f.name = c.field_name
     WHERE c.workspace_id = wanted_workspace AND f.lost_at IS NOT NULL;
    EXECUTE format($update$
        UPDATE sidebar_fields h
           SET org_id = $2, salesforce_id = m.salesforce_id,
               salesforce_url = $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', match_status = 'matched',
               matched_by = m.matched_by, fields = %1$s, stale = $4, as_of = s.read_at, refreshed_at = now()
          FROM %2$s
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         WHERE m.org_id = $2 AND m.workspace_id = $1
           AND h.workspace_id = m.workspace_id AND h.respond_id = m.respond_id
           -- the fields come last: they need not be built where something else differs already
           AND (h.org_id, h.salesforce_id, h.salesforce_url, h.match_status, h.matched_by, h.stale, h.as_of, h.fields)
               IS DISTINCT FROM ($2, m.salesforce_id, $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', 'matched',
                                 m.matched_by, $4, s.read_at, %1$s)
        $update$, values_of, looked_at) USING wanted_workspace, serving_org, base_url, lost;
    GET DIAGNOSTICS changed = ROW_COUNT;
    insertion := format($insert$
        INSERT INTO sidebar_fields (org_id, workspace_id, respond_id, salesforce_id, salesforce_url, match_status, matched_by,
                                    fields, stale, as_of)
        SELECT $2, m.workspace_id, m.respond_id, m.salesforce_id, $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view',
               'matched', m.matched_by, %s, $4, s.read_at
          FROM %s
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         WHERE m.org_id = $2 AND m.workspace_id = $1 %s
        $insert$, values_of, looked_at, unless_there);
    BEGIN
        -- to ask of each row whether somebody else is writing it costs a fifth of the time
        EXECUTE insertion USING wanted_workspace, serving_org, base_url, lost;
    EXCEPTION WHEN unique_violation THEN
        EXECUTE insertion || unless_written USING wanted_workspace, serving_org, base_url, lost;
    END;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN changed + added;
END
$$;
