# each new pod is killed, as for its use of memory, ten seconds after it was Ready and after each restart
meanwhile() {
  local pod kills=0
  declare -A ready_since
  awaiting "the second replica" 600 run_has 2
  # Until the end of the run.
  while run_hpa .metadata.name >/dev/null; do
    for pod in $(run_pods | tail -n +2); do
      if [ -z "${ready_since[$pod]:-}" ] && run_pod_is_ready "$pod"; then ready_since[$pod]=$SECONDS; fi
      if [ $((SECONDS - ${ready_since[$pod]:-$SECONDS})) -ge 10 ] && run_kills "$pod"; then kills=$((kills + 1)); fi
    done
    sleep 0.5
  done
  [ "$kills" -ge 4 ] || die "only $kills kills"
}
