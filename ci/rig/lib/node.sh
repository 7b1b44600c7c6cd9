# A node: containerd, the kubelet and kube-proxy. The variables are those of the first node (second-node.sh).
NODE=rig-node
NODE_FILES=$STATE # the node itself finds its files in $STATE
NODE_SUFFIX=      # of the names of its daemons and certificates
NODE_ENTRY=()     # the command that runs another one there

node_certificates() {
  certificate "kubelet$NODE_SUFFIX" ca "/CN=$NODE" serverAuth "DNS:$NODE,IP:$NODE_IP"
  certificate "node$NODE_SUFFIX" ca "/O=system:nodes/CN=system:node:$NODE" clientAuth
  kubeconfig "node$NODE_SUFFIX"
}

node_up() {
  write_containerd_config
  write_cni_config
  # containerd finds the shim and runc in PATH.
  start_on_node containerd env PATH="$(containerd_folder):$DEBIAN/usr/bin:$DEBIAN/usr/sbin:$PATH" "$(containerd_folder)/containerd" \
    --config "$NODE_FILES/containerd.toml"
  awaiting containerd 30 ctr_ready
  local part
  for part in images $ACCELERATOR_IMAGES; do import_images "$part"; done
  echo "nameserver $DNS_IP" >"$STATE/resolv.conf"
  write_kubelet_config
  kubelet_up
  write_proxy_config
  start_on_node kube-proxy "$KUBE/kube-proxy" --config="$NODE_FILES/kube-proxy.yaml"
  awaiting "node $NODE" 60 node_ready
}

# containerd_folder: Debian's, or the newer one of an accelerator whose DRA driver gives device files to containers (CDI).
containerd_folder() { if knows_cdi; then part containerd; else echo "$DEBIAN/usr/bin"; fi; }
knows_cdi() { [[ " $ACCELERATOR_PARTS " == *" containerd "* ]]; }

kubelet_up() {
  start_on_node kubelet "$KUBE/kubelet" --config="$NODE_FILES/kubelet.yaml" --kubeconfig="$STATE/node$NODE_SUFFIX.kubeconfig" \
    --hostname-override="$NODE" --node-ip="$NODE_IP" --root-dir="$STATE/kubelet" \
    --node-labels=rig.local/accelerators=true
}

# start_on_node NAME COMMAND...: starts a daemon of this node.
start_on_node() {
  local name=$1
  shift
  start "$name$NODE_SUFFIX" "${NODE_ENTRY[@]}" "$@"
}

node_ready() {
  [ "$(kubectl get node "$NODE" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]
}

# import_images PART: those that the part has.
import_images() {
  local image
  for image in "$(part "$1")"/*.tar; do ctr_ 120 images import "$image" >/dev/null; done
}

# ctr_ SECONDS ARGUMENTS...: ctr with a timeout, since it waits forever for a missing socket.
ctr_() {
  local seconds=$1
  shift
  timeout "$seconds" "$(containerd_folder)/ctr" -a "$NODE_FILES/containerd/containerd.sock" -n k8s.io "$@"
}
ctr_ready() { ctr_ 2 version >/dev/null 2>&1; }

write_containerd_config() {
  local cdi=""
  mkdir -p "$STATE/cdi"
  if knows_cdi; then cdi="enable_cdi = true"$'\n'"  cdi_spec_dirs = [\"$STATE/cdi\"]"; fi
  # restrict_oom_score_adj: a machine without CAP_SYS_RESOURCE (some VMs) may
  # not lower a score, and runc fails without this setting.
  cat >"$NODE_FILES/containerd.toml" <<TOML
version = 2
root = "$STATE/containerd/root"
state = "$STATE/containerd/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "$STATE/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "rig.local/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  $cdi
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "$DEBIAN/usr/sbin/runc"
        Root = "$STATE/containerd/runc"
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$DEBIAN/usr/lib/cni"
    conf_dir = "$NODE_FILES/cni"
TOML
}

write_cni_config() {
  mkdir -p "$NODE_FILES/cni"
  cat >"$NODE_FILES/cni/10-rig.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "rig", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$NODE_FILES/cni-addresses", "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": "$POD_CIDR", "gateway": "$BRIDGE_IP"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

write_kubelet_config() {
  # failCgroupV1: the rig supports machines with cgroup version 1.
  # nodeStatusUpdateFrequency: the node shows new GPUs at once.
  # evictionHard: below it the kubelet removes images, which no registry serves again. An absolute size, since a percentage of
  # a large disk is a lot of space.
  cat >"$NODE_FILES/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
failSwapOn: false
containerRuntimeEndpoint: unix://$STATE/containerd/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet$NODE_SUFFIX.crt
tlsPrivateKeyFile: $PKI/kubelet$NODE_SUFFIX.key
podLogsDir: $STATE/pod-logs
volumePluginDir: $STATE/volume-plugins
resolvConf: $STATE/resolv.conf
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
evictionHard: {memory.available: 100Mi, nodefs.available: 100Mi, nodefs.inodesFree: 1%, imagefs.available: 100Mi}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 1s
maxPods: 50
YAML
}

write_proxy_config() {
  # conntrack: its limits are settings of the machine, not of the namespace.
  cat >"$NODE_FILES/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $STATE/kube-proxy.kubeconfig}
hostnameOverride: $NODE
clusterCIDR: $CLUSTER_CIDR
iptables: {localhostNodePorts: false, minSyncPeriod: 200ms}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
}
