# one card is time-sliced, and no pod has a series
on() { switch_allocation RIG_ALLOCATION=time-sliced RIG_ATTRIBUTION=none; }
off() { mend_allocation; }
