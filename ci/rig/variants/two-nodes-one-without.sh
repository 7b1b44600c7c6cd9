# a second node, which has no accelerator
. "$RIG/variants/two-nodes.sh"
on() {
  switch_nodes 2
  kubectl label node "$SECOND_NODE" rig.local/accelerators- >/dev/null
  awaiting "a second node without accelerators" 60 second_node_is_bare
}
second_node_is_bare() {
  gpus_offered && [ -z "$(kubectl -n gpu-operator get pods --field-selector "spec.nodeName=$SECOND_NODE" -o name)" ]
}
