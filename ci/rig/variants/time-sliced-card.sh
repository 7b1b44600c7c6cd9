# one card is time-sliced, and each pod shows the card's value
on() { switch_allocation RIG_ALLOCATION=time-sliced RIG_ATTRIBUTION=card; }
off() { mend_allocation; }
