-- New rules go where there are few: among all others, whose digests are random, each touches a page of its own, and after a checkpoint the
-- log has all these pages. The sweep settles a day's rules among the others in the order of their digests, many to a page.
-- Whoever reads key_rule reads both: the recent ones are a child of it.

CREATE TABLE recent_key_rule (PRIMARY KEY (raw_digest, kind, region), CONSTRAINT recent_key_rule_is_no_country CHECK (kind <> 'country'))
    INHERITS (key_rule);
COMMENT ON TABLE recent_key_rule IS 'Those rules of key_rule that were made since the last sweep; a select from key_rule has them, too.';
DO $$
DECLARE
    explained record;
BEGIN
    FOR explained IN
        SELECT attname, col_description(attrelid, attnum) AS comment
          FROM pg_attribute WHERE attrelid = 'key_rule'::regclass AND attnum > 0 AND NOT attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN recent_key_rule.%I IS %L', explained.attname, explained.comment);
    END LOOP;
END
$$;
INSERT INTO analyst_column (relation, name, mask) SELECT 'recent_key_rule', name, mask FROM analyst_column WHERE relation = 'key_rule';
