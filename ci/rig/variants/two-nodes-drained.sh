# a second node, which is drained under load
. "$RIG/variants/two-nodes.sh"
meanwhile() {
  awaiting "the second replica" 600 run_has 2
  awaiting "a replica on the second node" 60 second_node_serves
  kubectl drain "$SECOND_NODE" --ignore-daemonsets --delete-emptydir-data --force --timeout 60s >/dev/null
  kubectl uncordon "$SECOND_NODE" >/dev/null
}
