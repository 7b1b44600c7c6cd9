# the API server is away for ten seconds under load
meanwhile() {
  awaiting "the second replica" 600 run_has 2
  stop kube-apiserver
  did_it
  sleep 10 # the length of the outage
  control_plane_up
}
off() { control_plane_up; }
