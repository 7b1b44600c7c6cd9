# an admission policy of the cluster raises the target of each new HPA
on() {
  mutate_hpas 'JSONPatch{op: "replace", path: "/spec/metrics/0/pods/target/averageValue", value: "75"}' '"averageValue": "75"'
}
off() { mutate_nothing; }
