#!/usr/bin/env bash
# Failover: what the death of a primary costs
#
# The lesson of failover.muster as a plain shell script, as one would write it for CI: start, count, find out who serves
# the key, kill that node, count on. The exit code says whether all was as it should be.
set -euo pipefail
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

say 'Three nodes, three copies of everything.'
muster cluster start -n 3 --partitions 16 --quiet >/dev/null
same 'the count' "$(muster counter incr hits --by 41)" 41

primary=$(muster ring locate hits --json | field '[0].primary')
say "$primary serves \"hits\". We kill it as a power cut would."
muster node kill "$primary" --quiet

say 'The next increment waits until a backup has taken over. It is not lost, and it counts once.'
same 'the count' "$(muster counter incr hits)" 42

now=$(muster ring locate hits --json | field '[0].primary')
say "Now $now serves it. $primary comes back with its data, and catches up."
[[ $now != "$primary" ]]
muster node start "$primary" --quiet
muster wait --for in-sync --quiet
same 'the count' "$(muster counter get hits)" 42
same 'partitions with all copies' "$(muster cluster status --json | field .partitions.inSync)" 16
