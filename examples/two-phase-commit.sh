#!/usr/bin/env bash
# Two-phase commit, as a shell script: the coordinator is killed between the votes and the decision. The story is in two-phase-commit.muster.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
muster() { if [ -n "${MUSTER:-}" ]; then $MUSTER "$@"; else node "$here/../bin/run.js" "$@"; fi; }
export MUSTER_CLUSTER="two-phase-commit-sh-$$"
trap 'muster cluster destroy --yes --quiet' EXIT

muster cluster start -n 5
muster tx run --command 'incr ada 100; incr bob 100'

# It stops when all have voted and nothing is decided.
muster tx run --command 'decr ada 30; incr bob 30' --pause-at prepared &
transfer=$!
coordinator=''
while [ -z "$coordinator" ]; do
  coordinator=$(muster tx list --json |
    node -p 'JSON.parse(fs.readFileSync(0)).find(({ role }) => role === "coordinator")?.node ?? ""')
done
echo "$coordinator coordinates, and is killed."
muster node kill "$coordinator"

code=0
wait "$transfer" || code=$?
echo "the transfer ended with $code: 0 committed, 6 aborted, 7 unknown"

# Nobody helps: whoever takes the coordinator's partition over ends it.
while [ "$(muster tx list --in-doubt --json)" != '[]' ]; do :; done

muster node start all
muster wait --for in-sync
sum=$(muster tx run --command 'get ada; get bob' --json |
  node -p 'JSON.parse(fs.readFileSync(0)).reads.reduce((sum, { value }) => sum + value, 0)')
echo "ada and bob together have $sum"
[ "$sum" -eq 200 ]
