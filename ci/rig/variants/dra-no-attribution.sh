# devices by resource claims (DRA); the exporter names no pods, as dcgm-exporter without KUBERNETES_ENABLE_DRA
on() { switch_allocation RIG_ALLOCATION=dra RIG_ATTRIBUTION=none; }
off() { mend_allocation; }
