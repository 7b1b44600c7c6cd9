# the store scrapes without honor_labels: namespace and pod are the exporter's own
on() {
  kubectl -n monitoring get configmap victoria-metrics -o yaml | sed 's/honor_labels: true/honor_labels: false/' |
    kubectl apply -f - >/dev/null
  store_anew
  awaiting "the workload's names in exported_namespace" 90 exported
}
off() {
  apply "$RIG/manifests/store.yaml"
  store_anew
  awaiting "the GPUs' utilization in the store" 90 metric_served
}

# store_anew: with the configuration of now and without the series of before.
store_anew() {
  kubectl -n monitoring delete pod -l app=victoria-metrics --wait >/dev/null
  awaiting "the store's first scrape" 60 scraped
  sleep 2 # as in cluster_up: the store remembers for ten seconds that there was no such series
}
exported() {
  kubectl get --raw "$STORE/api/v1/query?query=count(DCGM_FI_DEV_GPU_UTIL%7Bnamespace%3D%22gpu-operator%22%7D)" 2>/dev/null |
    grep -q '"value"'
}
