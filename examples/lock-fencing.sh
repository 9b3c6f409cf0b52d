#!/usr/bin/env bash
# Lock and fence: a paused process cannot spoil the data
#
# A process takes a lock, is stopped (SIGSTOP, as by a debugger, a full machine, a laptop that sleeps), and wakes up
# when its time is long over and somebody else has the lock. It knows nothing of that, and writes. The fencing token,
# a number that grows with each holder, lets the data itself refuse.
#
# `lock run` does more: it ends the command before the lock can be another's, even when `lock run` itself is stopped.
# What was sent before that it cannot call back: only a fence is absolute.
set -euo pipefail
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

stopped() { [[ $(ps -o stat= -p "$1") == T* ]]; }

muster cluster start -n 3 --partitions 8 --quiet >/dev/null

say 'A process takes the lock for two seconds, and stands still before it writes.'
(
  token=$(muster lock acquire report --ttl 2s)
  echo "$token" >"$tmp/old"
  kill -STOP "$BASHPID"
  muster kv put unfenced 'late, by the first' --quiet >&2
  muster kv put report 'late, by the first' --fence "report:$token"
) &
holder=$!
await test -s "$tmp/old"
await stopped "$holder"

say 'Another waits for the lock, gets it with a greater token, and writes.'
old=$(<"$tmp/old")
new=$(muster lock acquire report --ttl 60s --wait 30s --timeout 40s)
((new > old))
muster kv put report 'by the second' --fence "report:$new" --quiet
muster kv put unfenced 'by the second' --quiet

say 'The first wakes up, and writes. The fence refuses: exit code 6.'
kill -CONT "$holder"
code=0
wait "$holder" || code=$?
same 'exit code of the late write' "$code" 6
same 'the report' "$(muster kv get report)" 'by the second'
same 'without a fence' "$(muster kv get unfenced)" 'late, by the first'

say 'Now with "muster lock run". We stop it while its command runs.'
# shellcheck disable=SC2016
"${program[@]}" lock run nightly --ttl 3s --grace 500ms -- sh -c 'echo $$ >"$1"; exec sleep 300' - "$tmp/child" &
runner=$!
await test -s "$tmp/child"
kill -STOP "$runner"

say 'Another waits for the lock. When it has it, the command of the first is gone.'
muster lock acquire nightly --ttl 60s --wait 30s --timeout 40s >/dev/null
child=$(<"$tmp/child")
same 'the command still runs' "$(kill -0 "$child" 2>/dev/null && echo yes || echo no)" no

say 'It wakes up, and is told: exit code 126, the lock was lost.'
kill -CONT "$runner"
code=0
wait "$runner" || code=$?
same 'exit code of lock run' "$code" 126
