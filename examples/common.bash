# Shared by the scripts in this folder: the program, a cluster that is destroyed at the end, and helper functions.
# MUSTER names the program to run; by default it is the one in this repository.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ -n ${MUSTER:-} ]]; then program=("$MUSTER"); else program=(node "$here/../bin/run.js"); fi

# All commands use this cluster.
MUSTER_CLUSTER=$(basename "$0" .sh)-$$
export MUSTER_CLUSTER
tmp=$(mktemp -d)

clean_up() {
  # Background jobs, also stopped ones.
  jobs -p | while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
  "${program[@]}" cluster destroy --yes --quiet || true
  rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

muster() { "${program[@]}" "$@"; }
say() { printf '\n%s\n' "$*"; }

# field .path: print a value of the JSON on standard input.
field() { node -p "JSON.parse(require('fs').readFileSync(0, 'utf8'))$1"; }

# same WHAT ACTUAL EXPECTED: fail unless both values are equal.
same() {
  if [[ $2 != "$3" ]]; then
    printf '%s: expected %s, got %s\n' "$1" "$3" "$2" >&2
    exit 1
  fi
  printf '  %s: %s, as expected\n' "$1" "$2"
}

# await COMMAND…: repeat the command until it succeeds, for at most 30 s.
await() {
  local end=$((SECONDS + 30))
  until "$@"; do
    ((SECONDS < end)) || { printf 'timed out after 30 s: %s\n' "$*" >&2 && exit 1; }
    sleep 0.1
  done
}
