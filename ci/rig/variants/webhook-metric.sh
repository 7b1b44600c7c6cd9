# an admission policy of the cluster adds a second metric to each new HPA
on() {
  local copy='JSONPatch{op: "copy", from: "/spec/metrics/0", path: "/spec/metrics/-"}'
  local rename='JSONPatch{op: "replace", path: "/spec/metrics/1/pods/metric/name", value: "gpu_memory_used"}'
  mutate_hpas "$copy, $rename" '"name": "gpu_memory_used"'
}
off() { mutate_nothing; }
