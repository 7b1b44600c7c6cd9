# devices by resource claims (DRA); pods that share a device show its value each, as dcgm-exporter gives it
on() { switch_allocation RIG_ALLOCATION=dra RIG_ATTRIBUTION=card; }
off() { mend_allocation; }
