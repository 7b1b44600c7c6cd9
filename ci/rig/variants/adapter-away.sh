# the metrics adapter is away for a minute under load
meanwhile() {
  awaiting "the second replica" 600 run_has 2
  kubectl -n gpuhpa-metrics scale deployment prometheus-adapter --replicas=0
  did_it
  sleep 60 # the length of the outage
  kubectl -n gpuhpa-metrics scale deployment prometheus-adapter --replicas=1
}
