# one card is time-sliced, and each pod shows its own share of it
on() { switch_allocation RIG_ALLOCATION=time-sliced RIG_ATTRIBUTION=pod; }
off() { mend_allocation; }
