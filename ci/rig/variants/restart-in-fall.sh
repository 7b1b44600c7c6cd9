# the controller manager restarts between two steps of the scale-down, and its HPA controller loses its recorded recommendations
meanwhile() {
  awaiting "the third replica" 600 run_has 3
  awaiting "the end of the load" 600 run_is_idle
  awaiting "the first step of the scale-down" 600 run_is_below 3
  stop kube-controller-manager
  controllers_up "*"
}
off() { controllers_up "*"; }
