# the node offers its devices by resource claims (DRA) alone
on() { switch_allocation RIG_ALLOCATION=dra; }
off() { mend_allocation; }
