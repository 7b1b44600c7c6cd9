# the node offers one GPU, so a second replica stays Pending
on() {
  echo "$RIG_GPUS" >"$STATE/gpus-before"
  switch_gpus 1
}
off() {
  switch_gpus "$(cat "$STATE/gpus-before")"
  rm "$STATE/gpus-before"
}
