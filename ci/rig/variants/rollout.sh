# kubectl rollout restart of the target under load
meanwhile() {
  awaiting "the third replica" 600 run_has 3
  kubectl -n "$(run_namespace)" rollout restart "$(run_target)"
}
