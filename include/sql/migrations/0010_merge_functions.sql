-- Functions of the merge: what a landed value looks like in the mirror.

CREATE FUNCTION is_timestamp(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    -- nearly every value is told by its form; the rest is tried
    IF value ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)$' THEN
        RETURN true;
    END IF;
    PERFORM value::timestamptz;
    RETURN value ~ '^\d{4}-';
EXCEPTION
    WHEN data_exception THEN RETURN false;
END
$$;
COMMENT ON FUNCTION is_timestamp(text) IS 'Whether a text is an ISO 8601 time; null for null.';

-- REST writes 2022-03-17T16:21:26.000+0000 and 23.0, Bulk writes 2022-03-17T16:21:26.000Z and "23": one form here.
CREATE FUNCTION canonical_value(value jsonb, type text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN value IS NULL OR value = 'null' OR value = '""' THEN 'null'::jsonb
        -- a value that does not fit is kept as it came: the describe may be older than the field's type
        WHEN type = 'boolean' AND value #>> '{}' IN ('true', 'false') THEN to_jsonb((value #>> '{}')::boolean)
        WHEN type IN ('int', 'long', 'double', 'currency', 'percent')
             AND value #>> '{}' ~ '^[-+]?\d{1,40}(\.\d{1,40})?([eE][-+]?\d{1,3})?$' THEN
            to_jsonb(trim_scale((value #>> '{}')::numeric))
        WHEN type = 'datetime' AND is_timestamp(value #>> '{}') THEN
            to_jsonb(to_char((value #>> '{}')::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        ELSE value
    END
$$;
COMMENT ON FUNCTION canonical_value(jsonb, text) IS 'A field value in the one form the mirror keeps, by describe type.';

CREATE FUNCTION canonical_payload(record jsonb, names text[], types text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(f.name, canonical_value(record -> f.name, f.type)), '{}'::jsonb)
      FROM unnest(names, types) AS f (name, type)
$$;
COMMENT ON FUNCTION canonical_payload(jsonb, text[], text[]) IS '{API name: canonical value} of the named fields of a landed row.';

-- A field that was not asked for keeps its value: a lost permission never nulls data.
CREATE FUNCTION landed_or_kept(record jsonb, fields text[], name text, kept text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN name = ANY (fields) THEN record ->> name ELSE kept END
$$;
COMMENT ON FUNCTION landed_or_kept(jsonb, text[], text, text) IS 'The landed value of a field that was asked for, else the mirror''s.';
