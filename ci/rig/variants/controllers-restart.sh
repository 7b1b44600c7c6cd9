# the controller manager restarts before the scale-down, and its HPA controller loses its recorded recommendations
meanwhile() {
  awaiting "the second replica" 600 run_has 2
  awaiting "the end of the load" 600 run_is_idle
  stop kube-controller-manager
  controllers_up "*"
}
off() { controllers_up "*"; }
