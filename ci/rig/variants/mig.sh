# the node offers MIG instances as nvidia.com/gpu (strategy single)
on() { switch_allocation RIG_ALLOCATION=mig; }
off() { mend_allocation; }
