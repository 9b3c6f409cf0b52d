#!/usr/bin/env bash
# Two-phase commit: the coordinator dies when all participants have prepared
#
# A transaction over two partitions is stopped between its two phases: all have voted yes, nothing is decided, and one
# participant is in doubt. Then its coordinator is killed. Another node takes over and completes the transaction, all or
# nothing, and the sum of the accounts stays correct.
set -euo pipefail
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

say 'Start three nodes. Ada has 100, Bob has 0.'
muster cluster start -n 3 --partitions 16 --quiet >/dev/null
muster counter incr ada --by 100 --quiet >/dev/null
coordinator=$(muster ring locate ada --json | field '[0].primary')

say 'Transfer 30 from Ada to Bob, and stop when all participants have prepared.'
muster tx run -c 'decr ada 30; incr bob 30' --pause-at prepared --json >"$tmp/outcome" &
transfer=$!
in_doubt() { [[ $(muster tx list --in-doubt --json | field .length) == "$1" ]]; }
await in_doubt 1
muster tx list --in-doubt
id=$(muster tx list --in-doubt --json | field '[0].id')
same 'state' "$(muster tx show "$id" --json | field .state)" pending

say "Kill $coordinator, its coordinator, and wait."
muster node kill "$coordinator" --quiet
wait "$transfer"
same 'outcome' "$(field .outcome <"$tmp/outcome")" committed
await in_doubt 0
same 'Ada' "$(muster counter get ada)" 70
same 'Bob' "$(muster counter get bob)" 30
