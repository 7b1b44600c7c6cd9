# KEDA in the running rig. It serves external.metrics.k8s.io, which a prometheus-adapter with external rules serves too: so
# it runs only for what needs it.

keda_up() {
  local keda file
  keda=$(part keda)
  on_each_node import_images keda
  kubectl get namespace keda >/dev/null 2>&1 || kubectl create namespace keda >/dev/null
  kubectl -n keda get serviceaccount keda-operator >/dev/null 2>&1 ||
    kubectl -n keda create serviceaccount keda-operator >/dev/null
  # The CustomResourceDefinitions are too large for the annotation of client-side apply.
  kubectl apply --server-side -f "$keda/crds" >/dev/null
  for file in "$keda"/rights/*.yaml; do kubectl apply -f "$file" >/dev/null; done
  apply "$RIG/manifests/keda.yaml"
  kubectl -n keda rollout status deployment keda-operator --timeout 120s >/dev/null
  kubectl -n keda rollout status deployment keda-metrics-apiserver --timeout 120s >/dev/null
  awaiting "external.metrics.k8s.io by KEDA" 90 keda_serves
}

keda_serves() { kubectl get --raw /apis/external.metrics.k8s.io/v1beta1 >/dev/null 2>&1; }

keda_down() {
  local keda file
  keda=$(part keda)
  # The operator's finalizer must go before the operator.
  kubectl delete scaledobjects --all -A --timeout 60s >/dev/null 2>&1 || true
  for file in "$keda"/rights/*.yaml; do kubectl delete -f "$file" --ignore-not-found >/dev/null; done
  kubectl delete -f "$keda/crds" --ignore-not-found >/dev/null
  kubectl delete namespace keda --ignore-not-found --wait >/dev/null
}

# switch_keda 0|1: starts or removes KEDA where it is not as asked for.
switch_keda() { switch_setting RIG_KEDA 0 "$1" keda_up keda_down; }
