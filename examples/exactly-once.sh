#!/usr/bin/env bash
# Exactly once, as a shell script: two processes count, nodes are killed, and the sum is what was acknowledged. The story is in exactly-once.muster.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
muster() { if [ -n "${MUSTER:-}" ]; then $MUSTER "$@"; else node "$here/../bin/run.js" "$@"; fi; }
export MUSTER_CLUSTER="exactly-once-sh-$$"
scratch=$(mktemp -d)
trap 'muster cluster destroy --yes --quiet; rm -rf "$scratch"' EXIT

muster cluster start -n 5

# Each client is a shell of its own, fed from a pipe; a line of its output is an increment that was acknowledged.
for client in 1 2; do
  for _ in {1..150}; do echo 'counter incr hits'; done | muster shell > "$scratch/acknowledged-$client" &
done

for _ in 1 2; do
  muster wait --for in-sync
  victim=$(muster node kill --role primary --of hits --json | node -p 'JSON.parse(fs.readFileSync(0)).id')
  echo "$victim, which served hits, is dead."
  muster node start "$victim"
done
wait

acknowledged=$(cat "$scratch"/acknowledged-* | wc -l)
counted=$(muster counter get hits)
echo "acknowledged: $acknowledged, counted: $counted"
[ "$acknowledged" -eq 300 ] && [ "$counted" -eq "$acknowledged" ]
