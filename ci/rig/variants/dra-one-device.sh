# one device by resource claims (DRA), so a second replica stays Pending
on() {
  echo "$RIG_GPUS" >"$STATE/gpus-before"
  RIG_GPUS=1
  switch_allocation RIG_ALLOCATION=dra
}
off() {
  if [ -e "$STATE/gpus-before" ]; then RIG_GPUS=$(cat "$STATE/gpus-before"); fi
  mend_allocation
  rm -f "$STATE/gpus-before"
}
