# another workload in the run's namespace keeps its GPU busy
on() {
  apply "$RIG/manifests/neighbour.yaml"
  kubectl -n gpuhpa rollout status deployment neighbor --timeout 60s >/dev/null
}
off() { kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null; }
