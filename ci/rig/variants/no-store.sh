# the cluster has no store of metrics
on() {
  kubectl -n monitoring delete deployment,service victoria-metrics >/dev/null
  kubectl -n monitoring wait --for delete pod -l app=victoria-metrics --timeout 60s >/dev/null
}
off() {
  apply "$RIG/manifests/store.yaml"
  kubectl -n monitoring rollout status deployment victoria-metrics --timeout 60s >/dev/null
  awaiting "the GPUs' utilization in the store" 90 metric_served
}
