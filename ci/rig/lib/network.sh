# The rig has its own network namespace, so no rule, route or address of the
# machine changes. A veth pair connects the two: the machine is HOST_IP, the
# node is NODE_IP, and the namespace has no other route.
NETNS_NAME=gpuhpa-rig
NETNS=/run/netns/$NETNS_NAME
LINK=gpuhpa-rig0
HOST_IP=198.18.0.1 # from the range for benchmarks (RFC 2544), which is not routed
NODE_IP=198.18.0.2
API_IP=$NODE_IP # the first node's, also where NODE_IP is another's
CLUSTER_CIDR=10.244.0.0/16 # the pods of all nodes
POD_CIDR=10.244.0.0/24     # the pods of this node
BRIDGE_IP=10.244.0.1
SERVICE_CIDR=10.96.0.0/16
API_SERVICE_IP=10.96.0.1
DNS_IP=10.96.0.10

# in_rig COMMAND...: `ip netns exec` would hide the cgroup mounts.
in_rig() { nsenter --net="$NETNS" "$@"; }

network_up() {
  # Not `ip netns add`, which also leaves /run/netns mounted on itself.
  mkdir -p /run/netns
  : >"$NETNS"
  unshare --net="$NETNS" true
  in_rig ip link set lo up
  ip link add "$LINK" type veth peer name host netns "$NETNS_NAME"
  ip addr add "$HOST_IP/30" dev "$LINK"
  ip link set "$LINK" up
  in_rig ip addr add "$NODE_IP/30" dev host
  in_rig ip link set host up

  # Creates the pods' bridge before the CNI plugin does, for its route: without
  # a route the kernel drops a packet for a Service before kube-proxy rewrites it.
  in_rig ip link add cni0 type bridge
  in_rig ip addr add "$BRIDGE_IP/24" dev cni0
  in_rig ip link set cni0 up
  in_rig ip route add "$SERVICE_CIDR" dev cni0
  in_rig sysctl -qw net.ipv4.ip_forward=1
  # Pods may answer the machine, and may not open connections to it.
  in_rig iptables -w -A FORWARD -i cni0 -o host -m conntrack --ctstate NEW -j REJECT
}

node_ports() { printf '%s:30000-32767 ' "$NODE_IP"; }

# network_down: removes the network of this node.
network_down() {
  ip link del "$LINK" 2>/dev/null || true
  while umount "$NETNS" 2>/dev/null; do :; done
  rm -f "$NETNS"
}
