# What a variant can await of a run of gpuhpa that goes on (function `meanwhile`).

# did_it: the variant has done what it is there for (ci/rig/acted). Said by lib/meanwhile at the end, or before by one that
# takes back what it did.
did_it() { touch "$STATE/meanwhile.done"; }

# run_hpa PATH: of the HPA that a run has made, for example `.status.currentReplicas`; fails where there is none.
run_hpa() {
  local value
  value=$(kubectl get hpa -A -l app.kubernetes.io/managed-by=gpuhpa -o "jsonpath={.items[0]$1}" 2>/dev/null)
  [ -n "$value" ] && echo "$value"
}

run_namespace() { run_hpa .metadata.namespace; }

# run_target: kind/name of what the run's HPA scales.
run_target() { echo "$(run_hpa .spec.scaleTargetRef.kind)/$(run_hpa .spec.scaleTargetRef.name)"; }

# run_has N: the run's target has at least N ready replicas.
run_has() {
  local ready
  ready=$(kubectl -n "$(run_namespace)" get "$(run_target)" -o 'jsonpath={.status.readyReplicas}' 2>/dev/null) &&
    [ "${ready:-0}" -ge "$1" ]
}

# run_is_idle: the HPA of the run sees next to nothing: 0, or some thousandths (99500m is 99.5).
run_is_idle() { [[ $(run_hpa '.status.currentMetrics[0].*.current.averageValue') =~ ^(0|[0-9]{1,3}m)$ ]]; }
