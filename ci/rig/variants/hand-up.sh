# kubectl scales the target up before the HPA scales it down
meanwhile() {
  awaiting "the third replica" 600 run_has 3
  awaiting "the end of the load" 600 run_is_idle
  kubectl -n "$(run_namespace)" scale "$(run_target)" --replicas=4
}
