# One node: containerd, the kubelet and kube-proxy.
NODE=rig-node
CONTAINERD=$STATE/containerd/containerd.sock

node_up() {
  write_containerd_config
  write_cni_config
  # containerd finds the shim and runc in PATH.
  start containerd env PATH="$DEBIAN/usr/bin:$DEBIAN/usr/sbin:$PATH" "$DEBIAN/usr/bin/containerd" --config "$STATE/containerd/config.toml"
  awaiting containerd 30 ctr_ready
  local part image
  for part in images $ACCELERATOR_IMAGES; do
    for image in "$(part "$part")"/*.tar; do ctr_ 120 images import "$image" >/dev/null; done
  done
  echo "nameserver $DNS_IP" >"$STATE/resolv.conf"
  write_kubelet_config
  kubelet_up
  write_proxy_config
  start kube-proxy "$KUBE/kube-proxy" --config="$STATE/kube-proxy.yaml"
  awaiting "the node" 60 node_ready
}

kubelet_up() {
  start kubelet "$KUBE/kubelet" --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/node.kubeconfig" \
    --hostname-override="$NODE" --node-ip="$NODE_IP" --root-dir="$STATE/kubelet"
}

node_ready() {
  [ "$(kubectl get node "$NODE" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]
}

# ctr_ SECONDS ARGUMENTS...: ctr with a timeout, since it waits forever for a missing socket.
ctr_() {
  local seconds=$1
  shift
  timeout "$seconds" "$DEBIAN/usr/bin/ctr" -a "$CONTAINERD" -n k8s.io "$@"
}
ctr_ready() { ctr_ 2 version >/dev/null 2>&1; }

write_containerd_config() {
  mkdir -p "$STATE/containerd"
  # restrict_oom_score_adj: a machine without CAP_SYS_RESOURCE (some VMs) may
  # not lower a score, and runc fails without this setting.
  cat >"$STATE/containerd/config.toml" <<TOML
version = 2
root = "$STATE/containerd/root"
state = "$STATE/containerd/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "$CONTAINERD"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "rig.local/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
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
    conf_dir = "$STATE/cni"
TOML
}

write_cni_config() {
  mkdir -p "$STATE/cni"
  cat >"$STATE/cni/10-rig.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "rig", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$STATE/cni-addresses", "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": "$POD_CIDR", "gateway": "$BRIDGE_IP"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

write_kubelet_config() {
  # failCgroupV1: the rig supports machines with cgroup version 1.
  # nodeStatusUpdateFrequency: the node shows new GPUs at once.
  # evictionHard: below it the kubelet removes images, which no registry serves again. An absolute size, since a percentage of
  # a large disk is a lot of space.
  cat >"$STATE/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
failSwapOn: false
containerRuntimeEndpoint: unix://$CONTAINERD
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
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
  cat >"$STATE/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $STATE/kube-proxy.kubeconfig}
hostnameOverride: $NODE
clusterCIDR: $POD_CIDR
iptables: {localhostNodePorts: false, minSyncPeriod: 200ms}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
}
