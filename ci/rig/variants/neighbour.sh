# another workload in the run's namespace keeps its GPU busy
on() {
  NEIGHBOUR_NAMESPACE=gpuhpa apply "$RIG/accelerator/$RIG_ACCELERATOR/neighbour.yaml"
  kubectl -n gpuhpa rollout status deployment neighbor --timeout 120s >/dev/null
}
off() { kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null; }
