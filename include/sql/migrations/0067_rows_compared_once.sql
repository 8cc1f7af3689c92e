-- Few changed rows are looked up once: what they would show, whether it differs, and whether a value would be lost. Where everybody is
-- looked at, each question stays a join of its own.

CREATE FUNCTION any_blanked(wanted_workspace text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format('(coalesce(h.fields -> %1$L, ''null'') <> ''null'' AND coalesce(%2$s, ''null'') = ''null'')', field_name,
                             CASE WHEN mirror_expression(field_name) IS NULL THEN format('s.payload -> %L', field_name)
                                  ELSE format('to_jsonb(%s)', mirror_expression(field_name)) END), ' OR ')
      FROM sidebar_field_choice
     WHERE workspace_id = wanted_workspace
$$;
COMMENT ON FUNCTION any_blanked(text) IS 'SQL for: a chosen field that the sidebar row h shows is gone from the contact s; null where no field is chosen.';

DROP FUNCTION blanked_contacts(text, boolean);
CREATE FUNCTION blanked_contacts(wanted_workspace text) RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    is_blanked text := any_blanked(wanted_workspace);
BEGIN
    IF is_blanked IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format($query$
        SELECT h.respond_id
          FROM sidebar_fields h
          JOIN contact_match m ON m.workspace_id = h.workspace_id AND m.respond_id = h.respond_id AND m.salesforce_id = h.salesforce_id
          JOIN salesforce_contact s ON s.org_id = m.org_id AND s.salesforce_id = m.salesforce_id
         WHERE h.workspace_id = $1 AND h.as_of IS DISTINCT FROM s.read_at AND (%s)
        $query$, is_blanked) USING wanted_workspace;
END
$$;
COMMENT ON FUNCTION blanked_contacts(text) IS 'Respond contacts of a workspace whose sidebar row would lose a value.';

CREATE FUNCTION lost_fields(wanted_workspace text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(f.name, f.lost_at), '{}')
      FROM sidebar_field_choice c
      JOIN workspace w USING (workspace_id)
      JOIN salesforce_field f ON f.org_id = w.org_id AND f.name = c.field_name
     WHERE c.workspace_id = wanted_workspace
       AND f.lost_at IS NOT NULL
$$;
COMMENT ON FUNCTION lost_fields(text) IS '{API name: since when} of the chosen fields that Salesforce no longer shows.';

DROP FUNCTION write_matched_rows(text, boolean);
CREATE FUNCTION write_all_matched_rows(wanted_workspace text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    values_of text := sidebar_expression(wanted_workspace);
    lost jsonb := lost_fields(wanted_workspace);
    -- one that a creation wrote in the meantime is newer than what we know
    unless_written text := 'ON CONFLICT (workspace_id, respond_id) DO NOTHING';
    missing text := format($query$
        SELECT m.respond_id, m.salesforce_id, m.matched_by, %s AS fields, s.read_at AS as_of
          FROM contact_match m
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         WHERE m.org_id = $2 AND m.workspace_id = $1
           AND NOT EXISTS (SELECT FROM sidebar_fields h WHERE h.workspace_id = m.workspace_id AND h.respond_id = m.respond_id)
        $query$, values_of);
    insertion text := format($insert$
        INSERT INTO sidebar_fields (org_id, workspace_id, respond_id, salesforce_id, salesforce_url, match_status, matched_by,
                                    fields, stale, as_of)
        SELECT $2, $1, r.respond_id, r.salesforce_id, $3 || '/lightning/r/Contact/' || r.salesforce_id || '/view',
               'matched', r.matched_by, r.fields, $4, r.as_of
          FROM matched_rows(%L, $1, $2) AS r
        $insert$, missing);
    -- of the column's own type: as text it would be checked for each row
    serving_org salesforce_id;
    base_url text;
    changed bigint;
    added bigint;
BEGIN
    SELECT o.org_id, o.instance_url INTO serving_org, base_url
      FROM workspace w JOIN salesforce_org o ON o.org_id = w.org_id
     WHERE w.workspace_id = wanted_workspace;
    EXECUTE format($update$
        UPDATE sidebar_fields h
           SET org_id = $2, salesforce_id = m.salesforce_id,
               salesforce_url = $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', match_status = 'matched',
               matched_by = m.matched_by, fields = %1$s, stale = $4, as_of = s.read_at, refreshed_at = now()
          FROM contact_match m
          JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
         WHERE m.org_id = $2 AND m.workspace_id = $1
           AND h.workspace_id = m.workspace_id AND h.respond_id = m.respond_id
           -- the fields come last: they need not be built where something else differs already
           AND (h.org_id, h.salesforce_id, h.salesforce_url, h.match_status, h.matched_by, h.stale, h.as_of, h.fields)
               IS DISTINCT FROM ($2, m.salesforce_id, $3 || '/lightning/r/Contact/' || m.salesforce_id || '/view', 'matched',
                                 m.matched_by, $4, s.read_at, %1$s)
        $update$, values_of) USING wanted_workspace, serving_org, base_url, lost;
    GET DIAGNOSTICS changed = ROW_COUNT;
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
COMMENT ON FUNCTION write_all_matched_rows(text) IS 'Write the sidebar rows of all matched contacts of a workspace that are new or different; return how many.';

COMMENT ON FUNCTION matched_rows(text, text, salesforce_id) IS 'What a query of write_all_matched_rows finds that matched contacts show, built in parallel.';

CREATE FUNCTION insert_shown_rows(wanted_workspace text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    serving_org salesforce_id;
    base_url text;
BEGIN
    SELECT o.org_id, o.instance_url INTO serving_org, base_url
      FROM workspace w JOIN salesforce_org o ON o.org_id = w.org_id
     WHERE w.workspace_id = wanted_workspace;
    EXECUTE format($insert$
        INSERT INTO shown_row (workspace_id, respond_id, held_row, salesforce_id, salesforce_url, matched_by, stale, as_of, fields, is_blanked)
        SELECT d.workspace_id, d.respond_id, d.held_row, d.salesforce_id, d.salesforce_url, d.matched_by, $4, d.read_at,
               -- what stays as it is needs no values
               CASE WHEN d.is_different THEN d.fields END, d.is_blanked
          FROM (SELECT x.workspace_id, x.respond_id, h.ctid AS held_row, s.salesforce_id, n.salesforce_url, m.matched_by, s.read_at, n.fields,
                       (h.org_id, h.salesforce_id, h.salesforce_url, h.match_status, h.matched_by, h.stale, h.as_of, h.fields)
                       IS DISTINCT FROM ($2, s.salesforce_id, n.salesforce_url, 'matched', m.matched_by, $4, s.read_at, n.fields) AS is_different,
                       h.salesforce_id = s.salesforce_id AND h.as_of IS DISTINCT FROM s.read_at AND (%2$s) AS is_blanked
                  FROM changed_row x
                  LEFT JOIN sidebar_fields h ON h.workspace_id = x.workspace_id AND h.respond_id = x.respond_id
                  LEFT JOIN contact_match m ON m.org_id = $2 AND m.workspace_id = x.workspace_id AND m.respond_id = x.respond_id
                  LEFT JOIN salesforce_contact s ON s.org_id = $2 AND s.salesforce_id = m.salesforce_id
                 CROSS JOIN LATERAL (
                       SELECT $3 || '/lightning/r/Contact/' || s.salesforce_id || '/view' AS salesforce_url,
                              CASE WHEN s.salesforce_id IS NOT NULL THEN %1$s END AS fields
                       -- built once, however often it is named
                       OFFSET 0) AS n
                 WHERE x.workspace_id = $1) AS d
        $insert$, sidebar_expression(wanted_workspace), coalesce(any_blanked(wanted_workspace), 'false'))
        USING wanted_workspace, serving_org, base_url, lost_fields(wanted_workspace);
END
$$;
COMMENT ON FUNCTION insert_shown_rows(text) IS 'Fill the working table shown_row: what the contacts of a workspace in changed_row should show, and what of it is to be written.';

CREATE FUNCTION insert_new_rows(wanted_org salesforce_id) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN insert_plainly($insert$
        INSERT INTO sidebar_fields (org_id, workspace_id, respond_id, salesforce_id, salesforce_url, match_status, matched_by,
                                    fields, stale, as_of)
        SELECT $1, x.workspace_id, x.respond_id, x.salesforce_id, x.salesforce_url, 'matched', x.matched_by, x.fields, x.stale, x.as_of
          FROM shown_row x
         WHERE x.held_row IS NULL
           AND x.salesforce_id IS NOT NULL
        $insert$, wanted_org);
END
$$;
COMMENT ON FUNCTION insert_new_rows(salesforce_id) IS 'Write the sidebar rows of the working table shown_row that are not there; return how many.';
