#!/usr/bin/env bash
# Failover: what happens when a primary dies
#
# The lesson of failover.muster as a plain shell script for CI: start, count, find the primary of the key, kill it, and
# count again. The exit code is 0 if every check passed.
set -euo pipefail
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

say 'Start three nodes, with three copies of all data.'
muster cluster start -n 3 --partitions 16 --quiet >/dev/null
same 'the count' "$(muster counter incr hits --by 41)" 41

primary=$(muster ring locate hits --json | field '[0].primary')
say "$primary is the primary of \"hits\". Kill it with SIGKILL."
muster node kill "$primary" --quiet

say 'The next increment waits until a backup has taken over. It is not lost, and it counts once.'
same 'the count' "$(muster counter incr hits)" 42

now=$(muster ring locate hits --json | field '[0].primary')
say "Now $now is the primary. Start $primary again. It still has its data, and catches up."
[[ $now != "$primary" ]]
muster node start "$primary" --quiet
muster wait --for in-sync --quiet
same 'the count' "$(muster counter get hits)" 42
same 'partitions with all copies' "$(muster cluster status --json | field .partitions.inSync)" 16
