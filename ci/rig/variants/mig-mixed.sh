# the node offers MIG instances as nvidia.com/mig-1g.10gb (strategy mixed)
on() { switch_allocation RIG_ALLOCATION=mig-mixed; }
off() { mend_allocation; }
