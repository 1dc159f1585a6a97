#!/bin/sh
# restore.sh [MOMENT]: puts the data of a moment (in UTC: 2026-03-01T16:00:00Z; else all that was received) into $PGDATA,
# where no server may run. What is there stays beside. The server that starts there next goes through the log.
set -eu
until=${1:-}
if [ -e "$PGDATA/postmaster.pid" ]; then
  echo "a server runs on $PGDATA, or was killed there: end it, and remove postmaster.pid" >&2
  exit 1
fi
bound=9999
case "$until" in
  "") ;;
  20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]*Z)
    bound=$(printf %s "${until%Z}" | tr -d :)
    ;;
  *)
    echo "a moment in UTC is written 2026-03-01T16:00:00Z, not $until" >&2
    exit 1
    ;;
esac
copy=
for each in "$BACKUPS"/base/*Z; do
  name=$(basename "$each")
  if [ -d "$each" ] && [ "$(printf '%s\n%s\n' "$name" "$bound" | sort | head -n 1)" = "$name" ]; then copy=$each; fi
done
[ -n "$copy" ] || { echo "no copy in $BACKUPS/base leads back to ${until:-any moment}" >&2; exit 1; }
pg_verifybackup --quiet "$copy"

if [ -e "$PGDATA" ]; then
  aside="$PGDATA.before-$(date -u +%Y-%m-%dT%H%M%SZ)"
  [ ! -e "$aside" ] || { echo "$aside is there already: try again in a second" >&2; exit 1; }
  mv "$PGDATA" "$aside"
fi
log="$(dirname "$PGDATA")/restored-wal"
rm -rf "$log"
mkdir -p "$log"
cp -R "$copy" "$PGDATA"
chmod 700 "$PGDATA"
for each in "$BACKUPS"/wal/*; do
  [ -e "$each" ] || continue
  whole=$(basename "$each" .partial)
  [ "$whole" = "$(basename "$each")" ] || [ ! -e "$BACKUPS/wal/$whole" ] || continue
  cp "$each" "$log/$whole"
done
{
  echo "restore_command = 'cp \"$log/%f\" \"%p\"'"
  echo "recovery_target_action = 'promote'"
  [ -z "$until" ] || echo "recovery_target_time = '${until%Z}+00'"
} >> "$PGDATA/postgresql.auto.conf"
touch "$PGDATA/recovery.signal"
echo "laid out from $(basename "$copy"): start the database, and take a new copy"
