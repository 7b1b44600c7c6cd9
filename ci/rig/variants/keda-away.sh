# KEDA's operator hangs in the hold, until the clean-up needs it
meanwhile() {
  awaiting "the third replica" 600 run_has 3
  # The hold begins when the metric has recommended more for two sync periods and its lag, which nothing in the cluster shows.
  sleep 15
  signal_operator STOP
  did_it
  # Its finalizer holds the ScaledObject.
  awaiting "the clean-up" 600 is_removing
  signal_operator CONT
}
# The same pod goes on: a new one would be a difference of the cluster.
signal_operator() {
  local pids
  pids=$(container_pids keda "$(kubectl -n keda get pods -l app=keda-operator -o name)") || return
  # shellcheck disable=SC2086 # one word a process
  kill "-$1" $pids
}
is_removing() { [ -n "$(kubectl -n gpuhpa get scaledobjects -o 'jsonpath={.items[*].metadata.deletionTimestamp}' 2>/dev/null)" ]; }
off() {
  signal_operator CONT || true
  kubectl -n keda rollout status deployment keda-operator --timeout 60s >/dev/null
}
