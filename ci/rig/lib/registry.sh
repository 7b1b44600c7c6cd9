# A registry for charts on the node's address, in plain HTTP.
REGISTRY=$NODE_IP:5000

registry_up() {
  cat >"$STATE/registry.yaml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $STATE/registry}}
http: {addr: "$REGISTRY"}
YAML
  # The rig has no collector for its traces.
  start registry env OTEL_TRACES_EXPORTER=none "$DEBIAN/usr/bin/docker-registry" serve "$STATE/registry.yaml"
  awaiting "the registry" 20 curl -sf -o /dev/null "http://$REGISTRY/v2/"
  local chart
  mkdir -p "$STATE/charts"
  for chart in "$RIG"/../../fixtures/charts/*/Chart.yaml; do
    helm4 package "$(dirname "$chart")" -d "$STATE/charts" >/dev/null
  done
  for chart in "$STATE"/charts/*.tgz; do
    helm4 push "$chart" "oci://$REGISTRY/charts" --plain-http >/dev/null 2>&1
  done
}
