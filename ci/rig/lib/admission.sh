# What admission does to new objects on many clusters: a mutating policy.

# mutate_hpas JSON_PATCH SHOWN, mutate_services JSON_PATCH SHOWN: from now on each new object of this kind is changed by this
# patch, a list of JSONPatch objects in CEL. Waits until the API server's answer to a dry run contains SHOWN.
mutate_hpas() { mutate autoscaling v2 horizontalpodautoscalers "$1" "$2" "$HPA_PROBE"; }
mutate_services() { mutate "" v1 services "$1" "$2" "$SERVICE_PROBE"; }

HPA_PROBE='{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: probe}, spec: {maxReplicas: 2,
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: probe},
  metrics: [{type: Pods, pods: {metric: {name: probe}, target: {type: AverageValue, averageValue: "1"}}}]}}'
SERVICE_PROBE='{apiVersion: v1, kind: Service, metadata: {name: probe}, spec: {selector: {app: probe}, ports: [{port: 80}]}}'

mutate() { # GROUP VERSION RESOURCE JSON_PATCH SHOWN PROBE
  GROUP=$1 VERSION=$2 RESOURCE=$3 JSON_PATCH=$4 apply "$RIG/manifests/mutation.yaml"
  awaiting "the mutation of $3" 30 mutated "$5" "$6"
}
mutated() { # SHOWN PROBE
  kubectl -n default create --dry-run=server -o json -f - <<<"$2" 2>/dev/null | grep -qF "$1"
}

# mutate_nothing: removes the policy. The API server follows within a second or two.
mutate_nothing() {
  kubectl delete mutatingadmissionpolicybindings,mutatingadmissionpolicies rig-mutation --ignore-not-found >/dev/null
  sleep 2
}
