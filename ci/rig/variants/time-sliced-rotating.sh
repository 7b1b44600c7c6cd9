# one card is time-sliced, and one of its pods in turn shows the card's value
on() { switch_allocation RIG_ALLOCATION=time-sliced RIG_ATTRIBUTION=rotating; }
off() { mend_allocation; }
