# verify is interrupted at a random time: by kill -9 and then cleaned up, or by a signal after which it cleans up itself
#   kill             kill -9, then gpuhpa clean BUNDLE
#   lost             kill -9, the bundle deleted, then gpuhpa clean --run-id ID
#   int, term, hup   SIGINT (as Ctrl-C), SIGTERM, SIGHUP once; verify must exit with 130
# With --times N the N times are spread over the length of a run. AT=SECONDS sets the time instead.
scenes=(kill lost int term hup)
length=110 # seconds: a healthy run takes a little longer
pid=

run_scene() {
  local tenths code=0 expected=130 phase
  case $1 in kill | lost) expected=137 ;; esac
  # The time of the interruption is the subject of the test. A run that ends earlier is not interrupted.
  tenths=$((length * 10 * (number - 1) / times + RANDOM % (length * 10 / times)))
  if [ -n "${AT:-}" ]; then tenths=$(awk -v at="$AT" 'BEGIN { printf "%d", at * 10 }'); fi
  trap 'if [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null; then wait "$pid"; fi' EXIT # leaves no run behind
  # Default signal actions, as in a terminal: under nohup a process ignores SIGHUP.
  env --default-signal "$gpuhpa" verify -f ci/rig/scenarios/rig.yaml --helm "$helm" --yes --report-dir "$dir" >"$dir.log" 2>&1 &
  pid=$!
  for _ in $(seq "$tenths"); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  phase=$(last_phase)
  case $1 in kill | lost) kill -KILL "$pid" ;; *) kill "-${1^^}" "$pid" ;; esac 2>/dev/null || true
  wait "$pid" || code=$?
  pid=
  if [ "$code" != "$expected" ]; then tail -n 20 "$dir.log"; echo "exit $code, not $expected"; return 1; fi
  case $1 in
    kill) "$gpuhpa" clean "$dir" --helm "$helm" ;;
    lost) clean_by_run_id ;;
  esac >>"$dir.log" 2>&1 || code=failed
  if [ "$code" = failed ]; then tail -n 20 "$dir.log"; echo "gpuhpa clean failed"; return 1; fi
  echo "interrupted after $((tenths / 10)).$((tenths % 10)) s, in phase ${phase:-none}"
}
last_phase() { # the phase that began last; none before the first line of the timeline
  grep -oE '"phase":\{"phase":"[a-z-]+","edge":"began"' "$dir/timeline.jsonl" 2>/dev/null | tail -n 1 | cut -d'"' -f6 || true
}
clean_by_run_id() {
  local run
  run=$(sed -nE 's/.*; run ([0-9-]+)$/\1/p' "$dir.log")
  mv "$dir" "$dir.lost"
  # Without an id verify had not begun to change the cluster.
  if [ -n "$run" ]; then cd "$out" && "$gpuhpa" clean --run-id "$run" --helm "$helm"; fi
}
