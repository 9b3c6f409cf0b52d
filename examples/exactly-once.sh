#!/usr/bin/env bash
# Exactly once: counting while every node is killed in turn
#
# Two loops of plain commands count, and write each answer down. Meanwhile each node is killed and started again. At the
# end the counter must be exactly the number of answers: one that is missing was lost, one too many was counted twice.
# And no two answers are the same, for each increment has its own.
set -euo pipefail
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

say 'Three nodes. Two loops count, each with a new process for every increment.'
muster cluster start -n 3 --partitions 8 --quiet >/dev/null
count() {
  until [[ -e $tmp/enough ]]; do muster counter incr hits --timeout 30s; done >"$tmp/answers-$1"
}
count a &
first=$!
count b &
second=$!

for node in n1 n2 n3; do
  say "$node is killed, and starts again."
  muster node kill "$node" --quiet
  muster node start "$node" --quiet
  muster wait --for in-sync --timeout 60s --quiet
done
touch "$tmp/enough"
# An increment that failed would end its loop, and this.
wait "$first"
wait "$second"

answers=$(cat "$tmp"/answers-* | wc -l)
say "There were $((answers)) answers."
same 'different answers' "$(sort -un "$tmp"/answers-* | wc -l | tr -d ' ')" "$((answers))"
same 'the count' "$(muster counter get hits)" "$((answers))"
