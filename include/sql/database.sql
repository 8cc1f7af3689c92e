-- Locks and the record of migrations.
-- schema_migration holds one row per applied file; its primary key makes two migrators stand in line.

-- name: try_advisory_lock
-- Try to take the session-level lock that a text names.
-- Params: key text | Rows: 1 (is_held)
SELECT pg_try_advisory_lock(hashtextextended(%(key)s, 0)) AS is_held;

-- name: release_advisory_lock
-- Give the session-level lock back.
-- Params: key text | Rows: 1 (is_released)
SELECT pg_advisory_unlock(hashtextextended(%(key)s, 0)) AS is_released;

-- name: leave_flushing_to_a_later_commit
-- Let this commit not wait for the disk: one that comes later in the same log waits for both.
-- Params: none | Rows: none
SET LOCAL synchronous_commit = off;

-- name: lock_migrations
-- Stand in line behind any other migrator until this transaction ends.
-- Params: none | Rows: 1
SELECT pg_advisory_xact_lock(hashtextextended('contact_sync migrations', 0));

-- name: withdraw_from_analysts
-- Take the masked views away, because a migration may change what they are made of.
-- Params: none | Rows: none
DROP SCHEMA IF EXISTS contact_sync_masked CASCADE;

-- name: publish_to_analysts
-- Let the analysts' roles read the tables as they are now; rows are what a superuser must type first.
-- Params: none | Rows: 0..n (command)
SELECT command FROM publish_to_analysts() AS command;

-- name: insert_migration
-- Record a migration before it runs; no row means that it was applied already.
-- Params: name text | Rows: none
INSERT INTO schema_migration (name)
VALUES (%(name)s)
ON CONFLICT (name) DO NOTHING;
