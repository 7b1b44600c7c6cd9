# another workload in another namespace keeps its GPU busy
on() {
  sed 's/\bgpuhpa\b/elsewhere/' "$RIG/manifests/neighbour.yaml" | kubectl apply -f - >/dev/null
  kubectl -n elsewhere rollout status deployment neighbor --timeout 60s >/dev/null
}
off() { kubectl delete namespace elsewhere --ignore-not-found --wait >/dev/null; }
