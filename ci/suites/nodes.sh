# two nodes: what verify takes for granted of a cluster of several nodes
#   node-port        the NodePort of each node reaches the pods of both
scenes=(node-port)

before_scene() { ci/rig/broken two-nodes; }

run_scene() {
  trap '"$helm" uninstall ollama -n nodes --wait >/dev/null 2>&1; kubectl delete namespace nodes --wait >/dev/null' EXIT
  # Required, not preferred: a pod on each node.
  "$helm" install ollama fixtures/charts/ollama -n nodes --create-namespace -f ci/rig/values/ollama.yaml --wait --set replicaCount=2 \
    --set-json 'affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey":
      "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "ollama"}}}]}}' >/dev/null
  local nodes address pod before after
  nodes=$(kubectl -n nodes get pods -o 'jsonpath={.items[*].spec.nodeName}')
  for address in $(kubectl get nodes -o 'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}'); do
    before=$(answers)
    for _ in $(seq 40); do curl -sf -m 5 -o /dev/null "http://$address:31434/api/tags"; done
    after=$(answers)
    for pod in $(pods); do
      if [ "$(count "$pod" "$after")" -le "$(count "$pod" "$before")" ]; then
        echo "$address:31434 does not reach $pod (on $nodes)"
        return 1
      fi
    done
  done
  echo "both NodePorts reach the pods on $nodes"
}

pods() { kubectl -n nodes get pods -o name; }
# answers: for each pod how often it answered such a request, by its own log.
answers() { for pod in $(pods); do echo "$pod $(kubectl -n nodes logs "$pod" | grep -c '"/api/tags"' || true)"; done; }
count() { awk -v pod="$1" '$1 == pod { print $2 }' <<<"$2"; }
