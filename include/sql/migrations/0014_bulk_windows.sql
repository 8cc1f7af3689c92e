-- Big windows: planned by the small extraction, read by Bulk API 2.0, resumable set by set.

ALTER TABLE extract_window
    ADD COLUMN is_big boolean NOT NULL DEFAULT false,
    ADD COLUMN queried_at timestamptz,
    ADD COLUMN result_locator text,
    ADD COLUMN is_landed boolean NOT NULL DEFAULT false;
CREATE INDEX extract_window_open ON extract_window (org_id) WHERE status IN ('planned', 'running', 'deferred');
COMMENT ON COLUMN extract_window.is_big IS 'Read by Bulk API 2.0 in the loading DAG, so that no org waits for another''s first load.';
COMMENT ON COLUMN extract_window.queried_at IS 'Salesforce''s clock when the query began.';
COMMENT ON COLUMN extract_window.result_locator IS 'Where the next set of results begins: a crash resumes there.';
COMMENT ON COLUMN extract_window.is_landed IS 'All sets of results have landed.';

-- A table for one set of results, its columns named as the fields, so that to_jsonb(row) is the record.
CREATE FUNCTION create_csv_page(names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS pg_temp.csv_page;
    EXECUTE (SELECT format('CREATE TEMPORARY TABLE csv_page (%s) ON COMMIT DROP', string_agg(format('%I text', name), ', '))
               FROM unnest(names) AS name);
END
$$;
COMMENT ON FUNCTION create_csv_page(text[]) IS 'Make the temporary table that one set of CSV results is copied into.';
