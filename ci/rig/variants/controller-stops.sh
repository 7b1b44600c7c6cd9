# the HPA controller stops after the scale-up, so it never scales down
meanwhile() {
  awaiting "two ready replicas" 600 run_has 2
  stop kube-controller-manager
  controllers_up "*,-horizontal-pod-autoscaler-controller"
}
off() {
  stop kube-controller-manager
  controllers_up "*"
  awaiting "the controllers" 30 controllers_ready
}
