#!/usr/bin/env bash
# Locks, as a shell script: a holder is stopped in its sleep, and its late write is refused. The story is in lock-fencing.muster.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
muster() { if [ -n "${MUSTER:-}" ]; then $MUSTER "$@"; else node "$here/../bin/run.js" "$@"; fi; }
export MUSTER_CLUSTER="lock-fencing-sh-$$"
trap 'muster cluster destroy --yes --quiet' EXIT

muster cluster start -n 3

# `lock run` tells its command the token, and stops it before the lock can be another's.
muster lock run report --ttl 5s -- bash -c 'echo "I hold $MUSTER_LOCK_NAME by token $MUSTER_LOCK_TOKEN"'

# A holder that nobody stops: it takes the lock by hand, and falls asleep.
first=$(muster lock acquire report --ttl 2s --json | node -p 'JSON.parse(fs.readFileSync(0)).token')
second=$(muster lock acquire report --ttl 30s --wait 20s --json | node -p 'JSON.parse(fs.readFileSync(0)).token')
echo "first token $first, second token $second"
muster kv put report 'of the second' --fence "report:$second"

# It wakes up and writes.
code=0
muster kv put report 'late, of the first' --fence "report:$first" || code=$?
if [ "$code" -ne 6 ]; then
  echo "the late write ended with $code, and should have been refused (6)" >&2
  exit 1
fi
[ "$(muster kv get report)" = 'of the second' ]
echo 'The late write was refused; the data is the second one’s.'
