# Applies what runs in the cluster before any test.

# apply FILE: with each @NAME@ replaced by that setting, pin or address.
apply() {
  local name expressions=(-e "")
  for name in $(grep -o '@[A-Z_0-9]*@' "$1" | tr -d @ | sort -u); do expressions+=(-e "s|@$name@|${!name}|g"); done
  sed "${expressions[@]}" "$1" | kubectl apply -f - >/dev/null
}

cluster_up() {
  cloud_up
  apply "$RIG/manifests/coredns.yaml"
  devices_up
  awaiting "$RIG_GPUS GPUs" 60 gpus_offered
  say "the node offers $RIG_GPUS GPUs ($RIG_ACCELERATOR)"
  # The store starts after CoreDNS: a query to a name server that does not
  # answer yet costs the store ten seconds.
  awaiting CoreDNS 60 names_served
  apply "$RIG/manifests/store.yaml"
  awaiting "the store's first scrape" 60 scraped
  sleep 2
  awaiting "the GPUs' utilization in the store" 90 metric_served
  say "the store serves their utilization"
}

# allocatable_gpus: those of each node, a number a node.
allocatable_gpus() {
  local resource
  resource=$(accelerator_resource)
  kubectl get nodes --request-timeout=5s -o "jsonpath={.items[*].status.allocatable.${resource//./\\.}}" 2>/dev/null
}

# gpus_offered: each node that has accelerators offers RIG_GPUS. A device plugin that is gone leaves 0 devices.
gpus_offered() {
  local resource answer each=$RIG_GPUS
  if [ "$RIG_ALLOCATION" = dra ]; then
    [ "$(offered_by "$GPU_DRIVER")" = "$((RIG_GPUS * $(accelerator_nodes)))" ] || return
    each="0?"
  fi
  resource=$(accelerator_resource)
  answer=$(kubectl get nodes --request-timeout=5s -o \
    "jsonpath={range .items[*]}{.metadata.labels.rig\.local/accelerators} {.status.allocatable.${resource//./\\.}}{'\n'}{end}") || return
  [ "$(grep -cxE "true $each| 0?" <<<"$answer")" = "$RIG_NODES" ]
}

# offered_gpus: by claims, or as an extended resource.
offered_gpus() { if [ "$RIG_ALLOCATION" = dra ]; then offered_by "$GPU_DRIVER"; else allocatable_gpus; fi; }

# devices_up: offers the accelerator's devices by its device plugin or, with RIG_ALLOCATION=dra, by claims alone; and their metrics.
devices_up() {
  # The exporter reads the slices to know its devices; ENABLE_DRA says whether it names the pods of claims.
  READ_SLICES=false ENABLE_DRA=false
  if [ "$RIG_ALLOCATION" = dra ]; then
    READ_SLICES=true
    if [ "$RIG_ATTRIBUTION" != none ]; then ENABLE_DRA=true; fi
    kubectl label nodes --all --overwrite nvidia.com/gpu.deploy.device-plugin=false >/dev/null
    accelerator_up
    dra_up
  else
    dra_down
    kubectl label nodes --all nvidia.com/gpu.deploy.device-plugin- >/dev/null
    accelerator_up
  fi
}

names_served() { [ "$(kubectl -n kube-system get deployment coredns -o 'jsonpath={.status.availableReplicas}' 2>/dev/null)" = 1 ]; }

STORE=/api/v1/namespaces/monitoring/services/victoria-metrics:8428/proxy

# scraped: the store has scraped. This does not query the series: the store
# caches for ten seconds which series an expression matches, so a query that
# comes before the series delays it by ten seconds.
scraped() { kubectl get --raw "$STORE/api/v1/targets" 2>/dev/null | grep -q '"lastSamplesScraped":[1-9]'; }

# metric_served: the store has the series of the devices that the accelerator offers now.
metric_served() {
  local answer
  answer=$(kubectl get --raw "$STORE/api/v1/query?query=count(count($(accelerator_metric))by(UUID,GPU_I_ID))" 2>/dev/null) &&
    [[ $answer =~ ,\"([0-9]+)\"\] ]] && [ "${BASH_REMATCH[1]}" = "$(accelerators_of_all_nodes)" ]
}

# accelerator_nodes: how many nodes have accelerators.
accelerator_nodes() { kubectl get nodes -l rig.local/accelerators=true -o name 2>/dev/null | wc -l; }

accelerators_of_all_nodes() { echo $(($(accelerator_count) * $(accelerator_nodes))); }

# switch_gpus COUNT: waits until the node and the store show this many.
switch_gpus() {
  RIG_GPUS=$1
  write_settings
  devices_up
  awaiting "$RIG_GPUS GPUs" 60 gpus_offered
  awaiting "the utilization of $RIG_GPUS GPUs in the store" 60 metric_served
}

# switch_allocation NAME=VALUE...: sets RIG_ALLOCATION and RIG_ATTRIBUTION of the running rig, and records the old values.
switch_allocation() {
  local daemonset
  [ -e "$STATE/allocation-before" ] ||
    echo "RIG_ALLOCATION=$RIG_ALLOCATION RIG_ATTRIBUTION=$RIG_ATTRIBUTION" >"$STATE/allocation-before"
  declare -g "$@"
  check_allocation
  write_settings
  devices_up
  for daemonset in nvidia-device-plugin-daemonset nvidia-dcgm-exporter; do
    kubectl -n gpu-operator rollout status daemonset "$daemonset" --timeout 60s >/dev/null
  done
  awaiting "$RIG_GPUS devices of $(accelerator_resource)" 60 gpus_offered
  # The number may be that of the devices before. What the exporter writes of the devices, it reads from the kubelet.
  awaiting "the utilization of the $RIG_ALLOCATION devices in the store" 90 metric_served
}

mend_allocation() {
  [ -e "$STATE/allocation-before" ] || return 0
  # shellcheck disable=SC2046 # two assignments
  switch_allocation $(cat "$STATE/allocation-before")
  rm "$STATE/allocation-before"
}

# switch_pipeline NAME=VALUE...: sets RIG_SAMPLE and RIG_STORE_OFFSET of the running rig, and records the old values.
switch_pipeline() {
  [ -e "$STATE/pipeline-before" ] || echo "RIG_SAMPLE=$RIG_SAMPLE RIG_STORE_OFFSET=$RIG_STORE_OFFSET" >"$STATE/pipeline-before"
  declare -g "$@"
  write_settings
  devices_up
  apply "$RIG/manifests/store.yaml"
  kubectl -n gpu-operator rollout status daemonset nvidia-dcgm-exporter --timeout 60s >/dev/null
  kubectl -n monitoring rollout status deployment victoria-metrics --timeout 60s >/dev/null
  awaiting "the GPUs' utilization in the store" 150 metric_served
}

mend_pipeline() {
  [ -e "$STATE/pipeline-before" ] || return 0
  # shellcheck disable=SC2046 # two assignments
  switch_pipeline $(cat "$STATE/pipeline-before")
  rm "$STATE/pipeline-before"
}
