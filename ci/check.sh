#!/usr/bin/env bash
# The gate: formatting, clippy, tests, rehearsals, docs, generated files, and runs of gpuhpa on the rig.
#   ci/check.sh            six runs on the rig, of which one is healthy; starts the rig if it is down, and stops it at the end
#   ci/check.sh --all      every run of ci/cases instead of the six, and ci/mutations; takes about two hours
#   ci/check.sh --no-rig   no run on the rig: needs no root, takes about 20 minutes
set -euo pipefail
cd "$(dirname "$0")/.."
cases=(healthy hpa-controller-off second-hpa contaminated one-gpu wrong-sign)
runs=(ci/on-rig "${cases[@]}") bundles=reports/runs
case "${1:-}" in
  "") ;;
  --all) cases=() runs=(ci/rig/matrix) bundles=reports/matrix ;;
  --no-rig) runs=() ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

passed=0 failed=0
step() { # NAME COMMAND...
  local name=$1 began=$SECONDS; shift
  printf '== %s\n' "$name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); printf '== %s FAILED\n' "$name"; fi
  printf '== %s: %d s\n' "$name" $((SECONDS - began))
}

schema_is_current() { cargo run --quiet --locked -- schema | diff -u scenarios/schema.json -; }

step formatting cargo fmt --check
step clippy cargo clippy --quiet --locked --all-targets -- -D warnings
step 'clippy of the rehearsals, which --all-targets leaves out' cargo clippy --quiet --locked --test rehearsal -- -D warnings
step tests cargo test --quiet --locked
step 'rehearsals and the fault catalogue' cargo test --quiet --locked --profile catalogue --test rehearsal
step docs env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps --document-private-items
step schema schema_is_current
step 'file lengths' ci/lengths
step 'artifacts read by other tools' ci/artifacts
step "the exporters' tests" go -C ci/rig/accelerator/standin test ./...
step "the exporters' tests, NVIDIA" go -C ci/rig/accelerator/nvidia test ./...
if [ "${1:-}" = --all ]; then step 'mutations: the catalogue detects disabled checks' ci/mutations; fi
if [ ${#runs[@]} -gt 0 ]; then
  rm -rf "$bundles"
  step 'rig runs' env OUT="$bundles" "${runs[@]}"
  step 'parity of simulator and rig' ci/parity "$bundles" "${cases[@]}"
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
