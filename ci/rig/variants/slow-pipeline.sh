# the exporter samples every 30 s and the store answers as of 30 s ago, as both do by default
on() {
  echo "RIG_SAMPLE=$RIG_SAMPLE RIG_STORE_OFFSET=$RIG_STORE_OFFSET" >"$STATE/pipeline-before"
  pipeline RIG_SAMPLE=30s RIG_STORE_OFFSET=30s
}
off() {
  # shellcheck disable=SC2046 # two assignments
  pipeline $(cat "$STATE/pipeline-before")
  rm "$STATE/pipeline-before"
}

# pipeline NAME=VALUE...
pipeline() {
  declare -g "$@"
  write_settings
  accelerator_up
  apply "$RIG/manifests/store.yaml"
  kubectl -n gpu-operator rollout status daemonset nvidia-dcgm-exporter --timeout 60s >/dev/null
  kubectl -n monitoring rollout status deployment victoria-metrics --timeout 60s >/dev/null
  awaiting "the GPUs' utilization in the store" 150 metric_served
}
