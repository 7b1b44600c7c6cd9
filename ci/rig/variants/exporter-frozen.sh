# the exporter repeats its first sample, of idle accelerators
on() { switch_pipeline RIG_SAMPLE=60m; }
off() { mend_pipeline; }
