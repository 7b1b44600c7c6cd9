# the kubelet restarts under load
meanwhile() {
  awaiting "the second replica" 600 run_has 2
  stop kubelet
  kubelet_up
}
off() { kubelet_up; }
