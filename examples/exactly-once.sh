#!/usr/bin/env bash
# Exactly once: count while every node is killed in turn
#
# Two loops of plain commands count and record each answer. Meanwhile each node is killed and started again. At the end
# the counter must equal the number of answers: a lower count means a lost increment, a higher one means that an
# increment counted twice. All answers must differ, because each increment has its own result.
set -euo pipefail
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

say 'Start three nodes. Two loops count, with a new process for every increment.'
muster cluster start -n 3 --partitions 8 --quiet >/dev/null
count() {
  until [[ -e $tmp/enough ]]; do muster counter incr hits --timeout 30s; done >"$tmp/answers-$1"
}
count a &
first=$!
count b &
second=$!

for node in n1 n2 n3; do
  say "Kill $node and start it again."
  muster node kill "$node" --quiet
  muster node start "$node" --quiet
  muster wait --for in-sync --timeout 60s --quiet
done
touch "$tmp/enough"
# A failed increment ends its loop, and then this script.
wait "$first"
wait "$second"

answers=$(cat "$tmp"/answers-* | wc -l)
say "The loops got $((answers)) answers."
same 'distinct answers' "$(sort -un "$tmp"/answers-* | wc -l | tr -d ' ')" "$((answers))"
same 'the count' "$(muster counter get hits)" "$((answers))"
