# the exporter samples every 30 s and the store answers as of 30 s ago, as both do by default
on() { switch_pipeline RIG_SAMPLE=30s RIG_STORE_OFFSET=30s; }
off() { mend_pipeline; }
