# the HPA controller ends as soon as it has scaled up, so nothing scales down
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
