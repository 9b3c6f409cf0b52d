#!/usr/bin/env bash
# Lock and fence: a paused process cannot damage the data
#
# A process acquires a lock and is stopped with SIGSTOP (as by a debugger, an overloaded machine, a laptop that sleeps).
# It resumes long after its time has expired, when another process has the lock. It does not notice, and writes. The
# fencing token, a number that grows with each holder, lets the key refuse the write.
#
# `lock run` does more: it ends its command before another client can get the lock, even if `lock run` itself is
# stopped. It cannot revoke requests that were already sent. Only a fence can.
set -euo pipefail
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

stopped() { [[ $(ps -o stat= -p "$1") == T* ]]; }

muster cluster start -n 3 --partitions 8 --quiet >/dev/null

say 'A process acquires the lock for two seconds, and is stopped before it writes.'
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

say 'A second process waits for the lock, gets it with a greater token, and writes.'
old=$(<"$tmp/old")
new=$(muster lock acquire report --ttl 60s --wait 30s --timeout 40s)
((new > old))
muster kv put report 'by the second' --fence "report:$new" --quiet
muster kv put unfenced 'by the second' --quiet

say 'The first process resumes and writes. The fence refuses with exit code 6.'
kill -CONT "$holder"
code=0
wait "$holder" || code=$?
same 'exit code of the late write' "$code" 6
same 'the report' "$(muster kv get report)" 'by the second'
same 'without a fence' "$(muster kv get unfenced)" 'late, by the first'

say 'Now use "muster lock run", and stop it while its command runs.'
# shellcheck disable=SC2016
"${program[@]}" lock run nightly --ttl 3s --grace 500ms -- sh -c 'echo $$ >"$1"; exec sleep 300' - "$tmp/child" &
runner=$!
await test -s "$tmp/child"
kill -STOP "$runner"

say 'A second client waits for the lock. When it has the lock, the command of the first is gone.'
muster lock acquire nightly --ttl 60s --wait 30s --timeout 40s >/dev/null
child=$(<"$tmp/child")
same 'the command still runs' "$(kill -0 "$child" 2>/dev/null && echo yes || echo no)" no

say 'The first "lock run" resumes and ends with exit code 126: the lock was lost.'
kill -CONT "$runner"
code=0
wait "$runner" || code=$?
same 'exit code of lock run' "$code" 126
