# What the scripts of this folder share: the program, a cluster of one's own that is gone at the end, a few words.
# MUSTER says which program is meant; else it is the one of this repository.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ -n ${MUSTER:-} ]]; then program=("$MUSTER"); else program=(node "$here/../bin/run.js"); fi

# Commands are for this cluster.
MUSTER_CLUSTER=$(basename "$0" .sh)-$$
export MUSTER_CLUSTER
tmp=$(mktemp -d)

clean_up() {
  # What goes on in the background, or is stopped there.
  jobs -p | while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
  "${program[@]}" cluster destroy --yes --quiet || true
  rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

muster() { "${program[@]}" "$@"; }
say() { printf '\n%s\n' "$*"; }

# field .path: a value of the JSON on standard input.
field() { node -p "JSON.parse(require('fs').readFileSync(0, 'utf8'))$1"; }

# same WHAT ACTUAL WANTED
same() {
  if [[ $2 != "$3" ]]; then
    printf '%s: it is "%s", and should be "%s"\n' "$1" "$2" "$3" >&2
    exit 1
  fi
  printf '  %s: %s, as it should be\n' "$1" "$2"
}

# await COMMAND…: again and again until it succeeds, for 30 s.
await() {
  local end=$((SECONDS + 30))
  until "$@"; do
    ((SECONDS < end)) || { printf 'in vain: %s\n' "$*" >&2 && exit 1; }
    sleep 0.1
  done
}
