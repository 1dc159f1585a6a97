#!/bin/sh
# One role a service: it logs in, and owns nothing. A migration job grants it what its schema holds.
# Runs once, when the database is empty; a role's password is a file of its name.
set -eu
for role in alerting analytics carbon control demandresponse forecast metering planner usage; do
  password=$(cat "/run/secrets/${role}_database_password")
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set role="$role" --set password="$password" <<'SQL'
SET password_encryption = 'scram-sha-256';
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SQL
done
# Who takes backups may read the server's files and log, and no table.
password=$(cat /run/secrets/backup_database_password)
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$password" <<'SQL'
SET password_encryption = 'scram-sha-256';
CREATE ROLE backup LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SQL
echo "host replication backup all scram-sha-256" >> "$PGDATA/pg_hba.conf"
# Grafana reads all of it, a question for half a minute at most, and writes nothing.
password=$(cat /run/secrets/grafana_database_password)
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$password" <<'SQL'
SET password_encryption = 'scram-sha-256';
CREATE ROLE grafana LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
GRANT pg_read_all_data TO grafana;
ALTER ROLE grafana SET default_transaction_read_only = on;
ALTER ROLE grafana SET statement_timeout = '30s';
SQL
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
-- Where the server has it: without, metering keeps its tables as PostgreSQL does.
SELECT 'CREATE EXTENSION IF NOT EXISTS timescaledb'
FROM pg_available_extensions WHERE name = 'timescaledb' \gexec
-- What nobody fetches for days must not fill the disk: a backup then begins anew.
ALTER SYSTEM SET max_slot_wal_keep_size = '8GB';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
