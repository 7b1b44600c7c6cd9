# the controller manager is started again while its HPA controller waits to scale down, and so forgets its logs
meanwhile() {
  awaiting "the second replica" 600 run_has 2
  awaiting "the end of the load" 600 run_is_idle
  stop kube-controller-manager
  controllers_up "*"
}
off() { controllers_up "*"; }
