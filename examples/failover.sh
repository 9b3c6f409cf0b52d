#!/usr/bin/env bash
# Failover, as a shell script: what the death of a primary costs. The story is in failover.muster.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
muster() { if [ -n "${MUSTER:-}" ]; then $MUSTER "$@"; else node "$here/../bin/run.js" "$@"; fi; }
export MUSTER_CLUSTER="failover-sh-$$"
trap 'muster cluster destroy --yes --quiet' EXIT

muster cluster start -n 5
muster counter incr hits --by 41

primary=$(muster ring locate hits --json | node -p 'JSON.parse(fs.readFileSync(0))[0].primary')
echo "The primary of hits is $primary. It is killed."
muster node kill "$primary"

# The next increment waits until a backup has taken over; it counts once.
hits=$(muster counter incr hits)
if [ "$hits" != 42 ]; then
  echo "hits is $hits, and should be 42" >&2
  exit 1
fi

muster node start "$primary"
muster wait --for in-sync
echo "hits is $hits: nothing was lost, nothing counted twice."
