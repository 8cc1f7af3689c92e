-- A first load is merged in the order it comes in, and its ids are written to the feed without packing them.

-- read once and deleted
ALTER TABLE pending_change ALTER COLUMN entity_ids SET STORAGE EXTERNAL;
ALTER TABLE merged_set ALTER COLUMN salesforce_ids SET STORAGE EXTERNAL;

-- Newer stamp wins, at equal stamps the later read; equal content writes nothing; a field not asked for keeps its value.
-- A first load's rows are tried as new ones, as they come: to sort them, and to ask of each whether it is there, takes a third of the time.
CREATE OR REPLACE FUNCTION merge_csv_page(
    merged_window bigint, names text[], payload_names text[], payload_types text[], OUT rows_merged bigint, OUT rows_new bigint
) LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
    org salesforce_id;
    queried timestamptz;
    is_first boolean;
    mirrored text[];
    asked text[];
    insertion text;
    latest text := $page$
               -- in order of ids: whoever merges the same ones at this moment cannot lock us, and we not them
               (SELECT DISTINCT ON ("Id" COLLATE "C") *
                  FROM csv_page ORDER BY "Id" COLLATE "C", "SystemModstamp"::timestamptz DESC, ctid DESC) AS p
        $page$;
    unless_older text;
BEGIN
    SELECT w.org_id, w.queried_at, w.kind = 'initial' INTO STRICT org, queried, is_first
      FROM extract_window w
     WHERE w.window_id = merged_window;
    -- what would pass a cast and is no time all the same: 'yesterday'. The cast itself finds the rest
    IF EXISTS (SELECT FROM csv_page
                WHERE "SystemModstamp" NOT LIKE '____-__-__T%'
                   OR "CreatedDate" NOT LIKE '____-__-__T%' OR "LastModifiedDate" NOT LIKE '____-__-__T%') THEN
        RAISE data_exception USING MESSAGE = 'a time of the page is none';
    END IF;
    SELECT array_agg(m.column_name ORDER BY m.place), array_agg(m.field_name ORDER BY m.place) INTO mirrored, asked
      FROM unnest(ARRAY['first_name', 'last_name', 'email', 'phone', 'mobile_phone', 'home_phone', 'other_phone', 'country'],
                  ARRAY['FirstName', 'LastName', 'Email', 'Phone', 'MobilePhone', 'HomePhone', 'OtherPhone', 'MailingCountry'])
           WITH ORDINALITY AS m (column_name, field_name, place)
     WHERE m.field_name = ANY (names);
    insertion := format($insert$
        INSERT INTO salesforce_contact AS mirror (
               org_id, salesforce_id, payload, created_at, created_by_id, last_modified_at, last_modified_by_id,
               system_modstamp, presence, master_record_id, read_at%s)
        SELECT $1, p."Id", %s, p."CreatedDate"::timestamptz, p."CreatedById", p."LastModifiedDate"::timestamptz,
               p."LastModifiedById", p."SystemModstamp"::timestamptz, CASE WHEN p."IsDeleted"::boolean THEN 'deleted' ELSE 'live' END,
               p."MasterRecordId", $2%s
          FROM $insert$,
        (SELECT string_agg(format(', %I', c), '') FROM unnest(mirrored) AS c),
        payload_expression(payload_names, payload_types),
        (SELECT string_agg(format(', p.%I', f), '' ORDER BY place) FROM unnest(asked) WITH ORDINALITY AS a (f, place)));
    unless_older := format($conflict$
        ON CONFLICT (org_id, salesforce_id) DO UPDATE
           SET payload = (mirror.payload - $3) || excluded.payload, created_at = excluded.created_at,
               created_by_id = excluded.created_by_id, last_modified_at = excluded.last_modified_at,
               last_modified_by_id = excluded.last_modified_by_id, system_modstamp = excluded.system_modstamp,
               presence = excluded.presence, master_record_id = excluded.master_record_id, read_at = excluded.read_at,
               extracted_at = now()%s
         WHERE excluded.system_modstamp > mirror.system_modstamp
            OR (excluded.system_modstamp = mirror.system_modstamp AND excluded.read_at >= mirror.read_at
                AND (mirror.payload, mirror.presence, mirror.master_record_id%s)
                    IS DISTINCT FROM
                    ((mirror.payload - $3) || excluded.payload, excluded.presence, excluded.master_record_id%s))
        $conflict$,
        (SELECT string_agg(format(', %I = excluded.%I', c, c), '') FROM unnest(mirrored) AS c),
        (SELECT string_agg(format(', mirror.%I', c), '') FROM unnest(mirrored) AS c),
        (SELECT string_agg(format(', excluded.%I', c), '') FROM unnest(mirrored) AS c));
    rows_new := 0;
    -- where the page's first contact is known the others are, too: a replay does not even try
    IF is_first AND NOT EXISTS (
           SELECT FROM salesforce_contact m
            WHERE m.org_id = org AND m.salesforce_id = (SELECT "Id" FROM csv_page LIMIT 1)) THEN
        BEGIN
            EXECUTE insertion || 'csv_page AS p' USING org, queried, names;
            GET DIAGNOSTICS rows_merged = ROW_COUNT;
            rows_new := rows_merged;
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            -- news came in, or it is read again, or a contact is there twice
            NULL;
        END;
    END IF;
    EXECUTE insertion || latest || unless_older USING org, queried, names;
    GET DIAGNOSTICS rows_merged = ROW_COUNT;
END
$$;
