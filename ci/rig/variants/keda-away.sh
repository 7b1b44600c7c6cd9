# KEDA's operator goes away in the hold, until the clean-up needs it
meanwhile() {
  awaiting "the third replica" 600 run_has 3
  kubectl -n keda scale deployment keda-operator --replicas=0 >/dev/null
  did_it
  # Its finalizer holds the ScaledObject.
  awaiting "the clean-up" 600 is_removing
  kubectl -n keda scale deployment keda-operator --replicas=1 >/dev/null
}
is_removing() { [ -n "$(kubectl -n gpuhpa get scaledobjects -o 'jsonpath={.items[*].metadata.deletionTimestamp}' 2>/dev/null)" ]; }
off() {
  kubectl -n keda scale deployment keda-operator --replicas=1 >/dev/null
  kubectl -n keda rollout status deployment keda-operator --timeout 60s >/dev/null
}
