# the exporter samples every 30 s and the store's answers are 30 s old, as by default
on() { switch_pipeline RIG_SAMPLE=30s RIG_STORE_OFFSET=30s; }
off() { mend_pipeline; }
