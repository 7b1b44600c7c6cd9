# an admission policy of the cluster gives each new Service sessionAffinity ClientIP
on() {
  mutate_services 'JSONPatch{op: "add", path: "/spec/sessionAffinity", value: "ClientIP"}' '"sessionAffinity": "ClientIP"'
}
off() { mutate_nothing; }
