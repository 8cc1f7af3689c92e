-- A page of rows is merged by expressions written for its fields, not by functions called for every row and field.

-- The same rule at a third of the price: a repetition count makes the expression slow, and five columns of each row are checked.
ALTER DOMAIN salesforce_id DROP CONSTRAINT salesforce_id_has_18_characters;
ALTER DOMAIN salesforce_id ADD CONSTRAINT salesforce_id_has_18_characters CHECK (length(VALUE) = 18 AND VALUE !~ '[^a-zA-Z0-9]');

-- What the foreign key did row by row, at a quarter of a load's time, is done once per statement.
ALTER TABLE salesforce_contact DROP CONSTRAINT salesforce_contact_org_id_fkey;
CREATE FUNCTION require_org_of_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted salesforce_id;
BEGIN
    FOR wanted IN SELECT DISTINCT org_id FROM new_rows LOOP
        -- keeps the org from being deleted before this transaction ends, as a foreign key would
        PERFORM FROM salesforce_org WHERE org_id = wanted FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = format('salesforce_contact: there is no org %s', wanted);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION require_org_of_contacts() IS 'Refuse contacts of an org that is not there.';
CREATE TRIGGER salesforce_contact_has_org AFTER INSERT ON salesforce_contact
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION require_org_of_contacts();

CREATE FUNCTION delete_contacts_of_org() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM salesforce_contact WHERE org_id = OLD.org_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION delete_contacts_of_org() IS 'Let an org''s contacts go with it.';
CREATE TRIGGER salesforce_org_takes_contacts AFTER DELETE ON salesforce_org FOR EACH ROW EXECUTE FUNCTION delete_contacts_of_org();

-- without an exception block, each of which is a subtransaction
CREATE OR REPLACE FUNCTION is_timestamp(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT value ~ '^\d{4}-' AND pg_input_is_valid(value, 'timestamptz')
$$;

-- One row for each set of results, or last page, that was merged: what the window's proof adds up.
CREATE TABLE merged_set (
    window_id       bigint NOT NULL REFERENCES extract_window ON DELETE CASCADE,
    locator         text NOT NULL,
    next_locator    text,
    rows_landed     bigint NOT NULL,
    rows_missing    bigint NOT NULL,
    rows_merged     bigint NOT NULL,
    salesforce_ids  text[] NOT NULL,
    merged_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (window_id, locator)
);
ALTER TABLE merged_set ALTER COLUMN salesforce_ids SET STORAGE EXTERNAL;
COMMENT ON TABLE merged_set IS 'Sets of results that are in the mirror while their window is not proven yet; a crash resumes at the others.';
COMMENT ON COLUMN merged_set.locator IS 'Salesforce''s locator of the set; empty for the first one.';
COMMENT ON COLUMN merged_set.next_locator IS 'The locator of the set after it; null after the last one.';
COMMENT ON COLUMN merged_set.rows_missing IS 'Landed ids that the mirror did not hold, at their stamp or a newer one, when the set was merged: 0, or the proof fails.';
COMMENT ON COLUMN merged_set.salesforce_ids IS 'The landed ids: a row that came twice is no second row.';
ALTER TABLE extract_window DROP COLUMN result_locator, DROP COLUMN is_landed;

-- The page: a temporary table with one text column per field, made by create_csv_page.
CREATE FUNCTION fill_csv_page(landed_window bigint, names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (SELECT format('INSERT INTO csv_page SELECT %s FROM salesforce_landing WHERE window_id = $1 ORDER BY row_number',
                           string_agg(format('nullif(record ->> %L, '''')', name), ', ' ORDER BY place))
               FROM unnest(names) WITH ORDINALITY AS field (name, place))
      USING landed_window;
END
$$;
COMMENT ON FUNCTION fill_csv_page(bigint, text[]) IS 'Spread a window''s landed records over the columns of the page.';

CREATE FUNCTION payload_expression(names text[], types text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg(format('jsonb_build_object(%s)', pairs), ' || ' ORDER BY part), '''{}''::jsonb')
      FROM (SELECT (place - 1) / 50 AS part,
                   string_agg(format(CASE WHEN type IN ('boolean', 'int', 'long', 'double', 'currency', 'percent', 'datetime')
                                          THEN '%L, canonical_value(to_jsonb(p.%I), %L)' ELSE '%L, p.%I' END, name, name, type),
                              ', ' ORDER BY place) AS pairs
              FROM unnest(names, types) WITH ORDINALITY AS field (name, type, place)
             -- a function takes 100 arguments
             GROUP BY (place - 1) / 50) AS parts
$$;
COMMENT ON FUNCTION payload_expression(text[], text[]) IS 'The expression that makes a page''s row p the payload of these fields, by describe type.';

-- Newer stamp wins, at equal stamps the later read; equal content writes nothing; a field not asked for keeps its value.
CREATE FUNCTION merge_csv_page(
    merged_window bigint, names text[], payload_names text[], payload_types text[], OUT rows_merged bigint
) LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
    org salesforce_id;
    queried timestamptz;
    mirrored text[];
    asked text[];
BEGIN
    SELECT w.org_id, w.queried_at INTO STRICT org, queried FROM extract_window w WHERE w.window_id = merged_window;
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
    EXECUTE format($statement$
        INSERT INTO salesforce_contact AS mirror (
               org_id, salesforce_id, payload, created_at, created_by_id, last_modified_at, last_modified_by_id,
               system_modstamp, presence, master_record_id, read_at%1$s)
        SELECT $1, p."Id", %2$s, p."CreatedDate"::timestamptz, p."CreatedById", p."LastModifiedDate"::timestamptz,
               p."LastModifiedById", p.stamp, CASE WHEN p."IsDeleted"::boolean THEN 'deleted' ELSE 'live' END,
               p."MasterRecordId", $2%3$s
          FROM (SELECT DISTINCT ON ("Id" COLLATE "C") *, "SystemModstamp"::timestamptz AS stamp
                  -- in order of ids: whoever merges the same ones at this moment cannot lock us, and we not them
                  FROM csv_page ORDER BY "Id" COLLATE "C", "SystemModstamp"::timestamptz DESC, ctid DESC) AS p
        ON CONFLICT (org_id, salesforce_id) DO UPDATE
           SET payload = (mirror.payload - $3) || excluded.payload, created_at = excluded.created_at,
               created_by_id = excluded.created_by_id, last_modified_at = excluded.last_modified_at,
               last_modified_by_id = excluded.last_modified_by_id, system_modstamp = excluded.system_modstamp,
               presence = excluded.presence, master_record_id = excluded.master_record_id, read_at = excluded.read_at,
               extracted_at = now()%4$s
         WHERE excluded.system_modstamp > mirror.system_modstamp
            OR (excluded.system_modstamp = mirror.system_modstamp AND excluded.read_at >= mirror.read_at
                AND (mirror.payload, mirror.presence, mirror.master_record_id%5$s)
                    IS DISTINCT FROM
                    ((mirror.payload - $3) || excluded.payload, excluded.presence, excluded.master_record_id%6$s))
        $statement$,
        (SELECT string_agg(format(', %I', c), '') FROM unnest(mirrored) AS c),
        payload_expression(payload_names, payload_types),
        (SELECT string_agg(format(', p.%I', f), '' ORDER BY place) FROM unnest(asked) WITH ORDINALITY AS a (f, place)),
        (SELECT string_agg(format(', %I = excluded.%I', c, c), '') FROM unnest(mirrored) AS c),
        (SELECT string_agg(format(', mirror.%I', c), '') FROM unnest(mirrored) AS c),
        (SELECT string_agg(format(', excluded.%I', c), '') FROM unnest(mirrored) AS c))
      USING org, queried, names;
    GET DIAGNOSTICS rows_merged = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION merge_csv_page(bigint, text[], text[], text[]) IS 'Merge a window''s page into the mirror; return how many rows of the mirror changed.';

-- Ids are looked up one by one by the primary key: the statistics of a mirror that is just being loaded know nothing of its size.
CREATE FUNCTION count_missing_of_csv_page(merged_window bigint) RETURNS bigint LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    org salesforce_id;
BEGIN
    SELECT w.org_id INTO STRICT org FROM extract_window w WHERE w.window_id = merged_window;
    RETURN (SELECT count(*)
              FROM csv_page p
             WHERE ((SELECT c.system_modstamp FROM salesforce_contact c WHERE c.org_id = org AND c.salesforce_id = p."Id")
                    >= p."SystemModstamp"::timestamptz) IS NOT TRUE);
END
$$;
COMMENT ON FUNCTION count_missing_of_csv_page(bigint) IS 'How many rows of the page the mirror does not hold at their stamp or a newer one.';

DROP FUNCTION landed_or_kept(jsonb, text[], text, text);
DROP FUNCTION canonical_payload(jsonb, text[], text[]);
