# kubectl scales the target down under load
meanwhile() {
  awaiting "the third replica" 600 run_has 3
  kubectl -n "$(run_namespace)" scale "$(run_target)" --replicas=1
}
