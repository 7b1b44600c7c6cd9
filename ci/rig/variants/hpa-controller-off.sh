# the controller manager runs without its HPA controller
on() {
  stop kube-controller-manager
  controllers_up "*,-horizontal-pod-autoscaler-controller"
  awaiting "the controllers" 30 controllers_ready
}
off() {
  stop kube-controller-manager
  controllers_up "*"
  awaiting "the controllers" 30 controllers_ready
}
