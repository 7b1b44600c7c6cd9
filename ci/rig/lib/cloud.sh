# What a cloud does for a cluster: volumes for claims, addresses for Services of type LoadBalancer. See ci/rig/cloud.

cloud_up() {
  mkdir -p "$STATE/volumes"
  apply "$RIG/manifests/storage.yaml"
  start cloud env GPUHPA_RIG_STATE="$STATE" /usr/bin/python3 "$RIG/cloud" "$NODE_IP"
}
