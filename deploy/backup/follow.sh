#!/bin/sh
# Receives the database's log into $BACKUPS/wal as it is written, until it is ended: what is committed is kept. What was
# not received yet is kept by the database. The database: PGHOST, PGUSER, PASSWORD_FILE.
set -eu
if [ -n "${PASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$PASSWORD_FILE")
  export PGPASSWORD
fi
mkdir -p "$BACKUPS/wal"
until pg_receivewal --slot wattmesh_backup --create-slot --if-not-exists; do sleep 5; done
exec pg_receivewal --slot wattmesh_backup --directory "$BACKUPS/wal" --synchronous
