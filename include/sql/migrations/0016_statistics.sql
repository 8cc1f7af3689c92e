-- Statistics for the planner, right after much was written: a first load does not wait for autovacuum.

-- The application's role owns nothing, and only an owner may analyze. Whoever analyzes already is not waited for.
CREATE FUNCTION analyze_contacts() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = contact_sync, pg_temp AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) salesforce_contact, respond_contact, key_rule, salesforce_key, respond_key;
END
$$;
COMMENT ON FUNCTION analyze_contacts() IS 'Renew the statistics of mirrors, rules and keys.';
REVOKE EXECUTE ON FUNCTION analyze_contacts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_contacts() TO contact_sync_app;
