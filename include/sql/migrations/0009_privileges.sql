-- The application's role works with rows and owns nothing.
GRANT USAGE ON SCHEMA contact_sync TO contact_sync_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA contact_sync TO contact_sync_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA contact_sync TO contact_sync_app;
REVOKE INSERT, UPDATE, DELETE ON schema_migration FROM contact_sync_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA contact_sync GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO contact_sync_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA contact_sync GRANT USAGE, SELECT ON SEQUENCES TO contact_sync_app;
