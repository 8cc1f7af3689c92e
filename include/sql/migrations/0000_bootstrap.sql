-- Runs before every migration and may run any number of times: the schema, the record of migrations, the group role.
CREATE SCHEMA IF NOT EXISTS contact_sync;
COMMENT ON SCHEMA contact_sync IS 'Salesforce contacts in the respond.io sidebar: mirrors, keys, matches, queues.';

CREATE TABLE IF NOT EXISTS contact_sync.schema_migration (
    name        text PRIMARY KEY,
    applied_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE contact_sync.schema_migration IS 'One row per applied migration file.';

-- The application logs in as a member of this role: it owns nothing and may not change the schema.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'contact_sync_app') THEN
        CREATE ROLE contact_sync_app NOLOGIN;
    END IF;
EXCEPTION
    -- another database of this server was migrated in the same moment
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
