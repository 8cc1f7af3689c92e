-- Ten thousand changes are news to the planner where there are a hundred thousand contacts, not where there are a million.

CREATE FUNCTION analyze_contacts(changed bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = contact_sync, pg_temp AS $$
BEGIN
    -- a table that was never analyzed has -1 rows
    IF changed * 10 >= (SELECT min(reltuples) FROM pg_class WHERE oid IN ('salesforce_contact'::regclass, 'respond_contact'::regclass)) THEN
        PERFORM analyze_contacts();
    END IF;
END
$$;
COMMENT ON FUNCTION analyze_contacts(bigint) IS 'Renew the statistics of mirrors, rules and keys if so many changes are a tenth of a mirror.';
REVOKE EXECUTE ON FUNCTION analyze_contacts(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_contacts(bigint) TO contact_sync_app;
