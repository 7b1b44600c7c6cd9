# a second node, whose network is away under load, until the node is NotReady
. "$RIG/variants/two-nodes.sh"
meanwhile() {
  awaiting "the second replica" 600 run_has 2
  awaiting "a replica on the second node" 60 second_node_serves
  second_network down
  awaiting "a second node that is NotReady" 120 second_node_is_lost
  second_network up
  # Its routes go with a link.
  second_routes
  awaiting "the second node" 120 on_second_node node_ready
}
