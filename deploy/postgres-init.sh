#!/usr/bin/env bash
# Runs once, on an empty volume: two databases, each with its owner, and the application's role, which owns nothing.
set -euo pipefail
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
\set owner_password \`cat /run/secrets/contact_sync_owner_password\`
\set app_password \`cat /run/secrets/contact_sync_password\`
\set airflow_password \`cat /run/secrets/airflow_db_password\`
CREATE ROLE contact_sync_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE ROLE contact_sync_app NOLOGIN;
CREATE ROLE contact_sync LOGIN PASSWORD :'app_password' IN ROLE contact_sync_app;
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
GRANT contact_sync_app TO contact_sync_owner WITH ADMIN OPTION;
CREATE DATABASE contact_sync OWNER contact_sync_owner;
CREATE DATABASE airflow OWNER airflow;
ALTER DATABASE contact_sync SET search_path = contact_sync, public;
REVOKE CONNECT, TEMPORARY ON DATABASE contact_sync, airflow FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE contact_sync TO contact_sync;
SQL
