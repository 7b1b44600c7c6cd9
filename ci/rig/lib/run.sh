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

# run_is_idle: succeeds if the metric in the HPA's status is close to 0: 0, or some thousandths (99500m is 99.5).
run_is_idle() { [[ $(run_hpa '.status.currentMetrics[0].*.current.averageValue') =~ ^(0|[0-9]{1,3}m)$ ]]; }
