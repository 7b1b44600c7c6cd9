# A second node, with RIG_NODES=2: a kubelet and a containerd of its own, with mounts, cgroups and a network of its own. It runs the
# functions of node.sh and network.sh in a subshell with its own variables.
SECOND_NODE=rig-node-2
SECOND_NODE_IP=198.18.0.6
SECOND_POD_CIDR=10.244.1.0/24
FIRST_PEER=198.18.0.9 # the link between the nodes
SECOND_PEER=198.18.0.10
SECOND_CGROUP=gpuhpa-rig-node-2

# on_second_node FUNCTION...: runs a function with the second node's variables.
on_second_node() (
  HOST_IP=198.18.0.5 NODE_IP=$SECOND_NODE_IP NETNS_NAME=gpuhpa-rig-2 LINK=gpuhpa-rig1
  NETNS=/run/netns/$NETNS_NAME POD_CIDR=$SECOND_POD_CIDR BRIDGE_IP=10.244.1.1
  NODE=$SECOND_NODE NODE_FILES=$STATE/node-2 NODE_SUFFIX=-2
  "$@"
)

has_second_node() { [ -e "$STATE/node-2" ]; }

# on_each_node FUNCTION...
on_each_node() {
  "$@"
  if has_second_node; then on_second_node "$@"; fi
}

second_node_up() {
  [ ! -e /sys/fs/cgroup/cgroup.controllers ] || die "RIG_NODES=2 needs a machine with cgroup version 1"
  [ "$RIG_ACCELERATOR" = standin ] || die "RIG_NODES=2 needs RIG_ACCELERATOR=standin: both nodes would offer the machine's cards"
  [ "$RIG_ALLOCATION" != dra ] || die "RIG_ALLOCATION=dra offers the devices of one node: take RIG_NODES=1"
  # What lies at the same place on both nodes: for the kubelet's plugins, and for the pods that find a node's files by their path.
  mkdir -p "$STATE/node-2"/{containerd,kubelet,pod-logs,device-plugins,containers} "$STATE"/{containerd,kubelet,pod-logs}
  on_second_node network_up
  connect_nodes
  start node-2 "$RIG/lib/second-node" hold "$STATE" "$SECOND_CGROUP"
  awaiting "the second node's mounts" 10 [ -e "$STATE/node-2/held" ]
  on_second_node enter_second_node
}

enter_second_node() {
  NODE_ENTRY=("$RIG/lib/second-node" enter "$(pid_of node-2)" "$SECOND_CGROUP")
  node_certificates
  node_up
  if [ "$RIG_KEDA" = 1 ]; then import_images keda; fi
}

# connect_nodes: a link between the two nodes, for the API server, the kubelets and the pods.
connect_nodes() {
  in_rig ip link add node-2 type veth peer name node-1 netns gpuhpa-rig-2
  in_rig ip addr add "$FIRST_PEER/30" dev node-2
  in_rig ip link set node-2 up
  on_second_node in_rig ip addr add "$SECOND_PEER/30" dev node-1
  on_second_node in_rig ip link set node-1 up
  in_rig ip route add "$SECOND_NODE_IP/32" via "$SECOND_PEER"
  in_rig ip route add "$SECOND_POD_CIDR" via "$SECOND_PEER"
  second_routes
}

# second_routes: from the second node to the first.
second_routes() {
  on_second_node in_rig ip route replace "$API_IP/32" via "$FIRST_PEER"
  on_second_node in_rig ip route replace "$POD_CIDR" via "$FIRST_PEER"
}

# second_node_down: removes the node, also one that started half way.
second_node_down() {
  kubectl delete node "$SECOND_NODE" --ignore-not-found >/dev/null
  kubectl delete pods -A --field-selector "spec.nodeName=$SECOND_NODE" --force --grace-period 0 >/dev/null 2>&1
  local name
  for name in kubelet kube-proxy containerd node; do stop "$name-2"; done
  within 30 second_node_ended || warn "processes of the second node do not end"
  on_second_node network_down
  in_rig ip link del node-2 2>/dev/null || true
  within 10 second_cgroups_removed || warn "cgroups of the second node are left"
  rm -rf --one-file-system "$STATE/node-2"
}

second_node_ended() { have_ended "$(second_cgroups | processes_of_cgroups | living)"; }
second_cgroups_removed() { remove_cgroups second_cgroups; }
second_cgroups() { find /sys/fs/cgroup/*/"$SECOND_CGROUP" -depth -type d 2>/dev/null || true; }

# switch_nodes 1|2: starts or removes the second node where the rig has another number.
switch_nodes() {
  [ "$RIG_NODES" != "$1" ] || return 0
  switch_setting RIG_NODES 1 "$1" second_node_up second_node_down
  awaiting "$RIG_GPUS GPUs on each node" 60 gpus_offered
  awaiting "the utilization of all GPUs in the store" 90 metric_served
}

# second_node_serves: succeeds if a ready pod of the run's target is on the second node.
second_node_serves() {
  local pods
  pods=$(kubectl -n "$(run_namespace)" get pods -l app.kubernetes.io/instance=ollama --field-selector "spec.nodeName=$SECOND_NODE" \
    -o 'jsonpath={.items[*].status.containerStatuses[0].ready}' 2>/dev/null) && [[ $pods == *true* ]]
}

# second_network up|down: the links of the second node, to the machine and to the first node.
second_network() {
  on_second_node in_rig ip link set host "$1"
  on_second_node in_rig ip link set node-1 "$1"
}

second_node_is_lost() { ! on_second_node node_ready; }
