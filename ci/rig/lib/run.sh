# Events of a running gpuhpa verify that a variant's function `meanwhile` can wait for.

# did_it: records that the variant had its effect (ci/rig/acted). lib/meanwhile calls it at the end; a variant that reverts its
# own effect calls it earlier.
did_it() { touch "$STATE/meanwhile.done"; }

# run_hpa PATH: a field of the run's HPA, for example `.status.currentReplicas`; fails without an HPA.
run_hpa() {
  local value
  value=$(kubectl get hpa -A -l app.kubernetes.io/managed-by=gpuhpa -o "jsonpath={.items[0]$1}" 2>/dev/null)
  [ -n "$value" ] && echo "$value"
}

run_namespace() { run_hpa .metadata.namespace; }

# run_target: kind/name of the run's target.
run_target() { echo "$(run_hpa .spec.scaleTargetRef.kind)/$(run_hpa .spec.scaleTargetRef.name)"; }

# run_has N: succeeds if the run's target has at least N ready replicas.
run_has() {
  local ready
  ready=$(kubectl -n "$(run_namespace)" get "$(run_target)" -o 'jsonpath={.status.readyReplicas}' 2>/dev/null) &&
    [ "${ready:-0}" -ge "$1" ]
}

# run_is_below N: succeeds if the run's target asks for fewer than N replicas.
run_is_below() {
  local replicas
  replicas=$(kubectl -n "$(run_namespace)" get "$(run_target)" -o 'jsonpath={.spec.replicas}' 2>/dev/null) &&
    [ "${replicas:-$1}" -lt "$1" ]
}

# run_pods: pod/name of each pod of the run's target, the oldest first. The scenarios of the rig name their release so.
run_pods() {
  kubectl -n "$(run_namespace)" get pods -l app.kubernetes.io/instance=ollama --sort-by=.metadata.creationTimestamp -o name
}

# run_pod_is_ready POD: POD as run_pods prints it.
run_pod_is_ready() {
  [ "$(kubectl -n "$(run_namespace)" get "$1" -o 'jsonpath={.status.containerStatuses[0].ready}' 2>/dev/null)" = true ]
}

# container_pids NAMESPACE POD: the processes of the pod's container, one a line; fails if none runs.
container_pids() {
  local id folder pids
  id=$(kubectl -n "$1" get "$2" -o 'jsonpath={.status.containerStatuses[0].containerID}' 2>/dev/null) || return
  [ -n "$id" ] || return
  # The kubelet names the cgroup of a container by its id.
  folder=$(find /sys/fs/cgroup -type d -name "${id#*://}" -print -quit 2>/dev/null)
  pids=$(cat "$folder/cgroup.procs" 2>/dev/null) && [ -n "$pids" ] && echo "$pids"
}

# run_kills POD: kills the processes of the pod's container, as the kernel does for their use of memory. Fails if none runs.
run_kills() {
  local pids
  pids=$(container_pids "$(run_namespace)" "$1") || return
  # shellcheck disable=SC2086 # one word a process
  kill -9 $pids 2>/dev/null
}

# run_is_idle: succeeds if the metric in the HPA's status is close to 0: 0, or some thousandths (99500m is 99.5).
run_is_idle() { [[ $(run_hpa '.status.currentMetrics[0].*.current.averageValue') =~ ^(0|[0-9]{1,3}m)$ ]]; }
