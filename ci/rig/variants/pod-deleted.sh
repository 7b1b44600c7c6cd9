# kubectl deletes a new pod some seconds after it is Ready, and its ReplicaSet replaces it
meanwhile() {
  awaiting "the third replica" 600 run_has 3
  sleep 6 # less than its share of the traffic takes to show in the metric
  kubectl -n "$(run_namespace)" delete --wait=false "$(run_pods | tail -n 1)"
}
