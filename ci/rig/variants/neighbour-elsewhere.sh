# another workload in another namespace keeps its GPU busy
on() {
  NEIGHBOUR_NAMESPACE=elsewhere apply "$RIG/accelerator/$RIG_ACCELERATOR/neighbour.yaml"
  kubectl -n elsewhere rollout status deployment neighbor --timeout 120s >/dev/null
}
off() { kubectl delete namespace elsewhere --ignore-not-found --wait >/dev/null; }
