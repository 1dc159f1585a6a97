#!/bin/sh
# Copies the whole database into $BACKUPS/base while it is in use, verifies the copy, and names it after its moment.
# Of the copies the newest $KEEP stay, and the log since the oldest of these. The database: PGHOST, PGUSER, PASSWORD_FILE.
set -eu
if [ -n "${PASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$PASSWORD_FILE")
  export PGPASSWORD
fi
base="$BACKUPS/base"
mkdir -p "$base"
rm -rf "$base"/*.unfinished
pg_basebackup --pgdata "$base/copy.unfinished" --wal-method=stream --checkpoint=fast --label=wattmesh
pg_verifybackup --quiet "$base/copy.unfinished"
moment=$(psql --no-psqlrc --quiet --tuples-only --no-align --command \
  "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24MISS.US\"Z\"')")
mv "$base/copy.unfinished" "$base/$moment"
echo "taken and verified: $moment"

cd "$base"
set -- *Z
while [ "$#" -gt "${KEEP:-7}" ]; do
  rm -rf "$1"
  echo "removed: $1"
  shift
done
if [ -d "$BACKUPS/wal" ]; then
  first=$(sed -n 's/^START WAL LOCATION.*file \([0-9A-F]*\))$/\1/p' "$1/backup_label")
  pg_archivecleanup "$BACKUPS/wal" "$first"
fi
