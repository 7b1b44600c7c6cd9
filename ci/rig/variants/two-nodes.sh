# a second node, with accelerators of its own
on() { switch_nodes 2; }
off() { switch_nodes 1; }
