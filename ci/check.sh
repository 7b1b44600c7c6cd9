#!/usr/bin/env bash
# The only gate: formatting, clippy, tests, rehearsals, docs, generated files, then the rig with the healthy run and the broken ones.
#   ci/check.sh            everything, with the healthy run and five broken ones; brings the rig up if it is down, and
#                          takes it down again
#   ci/check.sh --all      every run of ci/cases instead of the six, and ci/mutations; about two hours
#   ci/check.sh --no-rig   without the rig: needs no root, some 20 minutes
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
step tests cargo test --quiet --locked
step 'rehearsals and the fault catalogue' cargo test --quiet --locked --profile catalogue --test rehearsal
step docs env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps --document-private-items
step schema schema_is_current
step 'file lengths' ci/lengths
step 'artifacts by readers not ours' ci/artifacts
step "the exporter's tests" go -C ci/rig/accelerator/standin test ./...
if [ "${1:-}" = --all ]; then step 'checks that are switched off are noticed' ci/mutations; fi
if [ ${#runs[@]} -gt 0 ]; then
  rm -rf "$bundles"
  step 'rig runs' env OUT="$bundles" "${runs[@]}"
  step 'parity of simulator and rig' ci/parity "$bundles" "${cases[@]}"
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
