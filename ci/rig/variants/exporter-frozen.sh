# the exporter repeats its first sample, that of idle accelerators, whatever they do afterwards
on() { switch_pipeline RIG_SAMPLE=60m; }
off() { mend_pipeline; }
