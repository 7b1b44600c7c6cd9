# the store scrapes without honor_labels, so its target labels replace the exporter's labels namespace and pod
on() {
  sed 's/honor_labels: true/honor_labels: false/; s/\( *- \){.*target_label: instance}/&\n\1{source_labels: [__meta_kubernetes_namespace], target_label: namespace}\n\1{source_labels: [__meta_kubernetes_pod_name], target_label: pod}/' \
    "$RIG/manifests/store.yaml" >"$STATE/exported-namespace.yaml"
  apply "$STATE/exported-namespace.yaml"
  store_anew
  awaiting "the workload's names in exported_namespace" 90 exported
}
off() {
  apply "$RIG/manifests/store.yaml"
  store_anew
  awaiting "the GPUs' utilization in the store" 90 metric_served
}

# store_anew: restarts the store with the current configuration and without old series.
store_anew() {
  kubectl -n monitoring delete pod -l app=victoria-metrics --wait >/dev/null
  awaiting "the store's first scrape" 60 scraped
  sleep 2 # as in cluster_up: the store caches for ten seconds that a series does not exist
}
exported() {
  kubectl get --raw "$STORE/api/v1/query?query=count(DCGM_FI_DEV_GPU_UTIL%7Bnamespace%3D%22gpu-operator%22%7D)" 2>/dev/null |
    grep -q '"value"'
}
