#!/usr/bin/env bash
# The gate: formatting, clippy, tests, rehearsals, docs, generated files, and runs of gpuhpa on the rig.
#   ci/check.sh            six runs on the rig, of which one is healthy; starts the rig if it is down, and stops it at the end
#   ci/check.sh --all      every run of ci/cases instead of the six, and ci/mutations; takes about three and a half hours, and with
#                          RIGS=3 102 minutes on two cores: three rigs at the same time (ci/rig/apart)
#   ci/check.sh --no-rig   no run on the rig: needs no root, takes about 20 minutes
set -euo pipefail
cd "$(dirname "$0")/.."
cases=(healthy hpa-controller-off second-hpa contaminated one-gpu wrong-sign)
runs=(ci/on-rig "${cases[@]}") bundles=reports/runs
case "${1:-}" in
  "") ;;
  --all) cases=() runs=(ci/rig/matrix) bundles=reports/matrix ;;
  --no-rig) runs=() ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# A crate is compiled once here, so the files of incremental compilation only take disk.
export CARGO_INCREMENTAL=0
# On a full disk a linker ends in a bus error, which names no cause.
target=${CARGO_TARGET_DIR:-target} room=5 # GB
mkdir -p "$target"
free=$(($(df --output=avail --block-size=1MB "$target" | tail -n 1) / 1000))
if [ "$free" -lt "$room" ]; then
  echo "ci/check.sh: $target has $free GB free, and the gate builds up to $room GB there: make room, or set CARGO_TARGET_DIR to a folder with more" >&2
  exit 2
fi

passed=0 failed=0
step() { # NAME COMMAND...
  local name=$1 began=$SECONDS; shift
  printf '== %s\n' "$name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); printf '== %s FAILED\n' "$name"; fi
  printf '== %s: %d s\n' "$name" $((SECONDS - began))
}

# Some steps compute, and the runs on the rig wait most of the time, so both are done at the same time. A run must not wait for a
# processor: what computes has the least priority, in a session of its own, since the kernel weighs sessions first.
logs=$(mktemp -d)
declare -A pids=()
end_background() {
  for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  rm -rf "$logs"
}
trap end_background EXIT
start() { # NAME COMMAND...
  local name=$1; shift
  setsid bash -c '
    if [ -w /proc/self/autogroup ]; then echo 19 >/proc/self/autogroup; fi
    SECONDS=0 code=0
    nice -n 19 "$@" || code=$?
    echo "took $SECONDS s"
    exit "$code"' start "$@" >"$logs/$name" 2>&1 &
  pids[$name]=$!
}
await() { # NAME
  local code=0
  wait "${pids[$1]}" || code=$?
  unset "pids[$1]"
  cat "$logs/$1"
  return "$code"
}

schema_is_current() { cargo run --quiet --locked -- schema | diff -u scenarios/schema.json -; }

step formatting cargo fmt --check
step clippy cargo clippy --quiet --locked --all-targets -- -D warnings
step 'clippy of the rehearsals, which --all-targets leaves out' cargo clippy --quiet --locked --test rehearsal -- -D warnings
step tests cargo test --quiet --locked
start rehearsals cargo test --quiet --locked --profile catalogue --test rehearsal
if [ "${1:-}" = --all ]; then start mutations ci/mutations; fi
step docs env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps --document-private-items
step schema schema_is_current
step 'file lengths' ci/lengths
step 'artifacts read by other tools' ci/artifacts
step "the exporters' tests, what both share" go -C ci/rig/accelerator/shared test ./...
step "the DRA driver's tests" go -C ci/rig/accelerator/dra-driver test ./...
step "the exporters' tests" go -C ci/rig/accelerator/standin test ./...
step "the exporters' tests, NVIDIA" go -C ci/rig/accelerator/nvidia test ./...
if [ ${#runs[@]} -gt 0 ]; then
  rm -rf "$bundles"
  step 'rig runs' env OUT="$bundles" "${runs[@]}"
fi
step 'rehearsals and the fault catalogue, beside the steps above' await rehearsals
if [ ${#runs[@]} -gt 0 ]; then step 'parity of simulator and rig' ci/parity "$bundles" "${cases[@]}"; fi
if [ "${1:-}" = --all ]; then step 'mutations: the catalogue detects disabled checks' await mutations; fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
