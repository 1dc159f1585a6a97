#!/bin/sh
# Takes a copy every $EVERY_SECONDS, and the next one sooner when one has failed.
set -u
while :; do
  if /scripts/copy.sh; then sleep "${EVERY_SECONDS:-86400}"; else sleep 60; fi
done
