# an HPA that kubectl has made waits for the target
. "$RIG/lib/hpa-there.sh"
on() {
  hpa_there gitops <<'SPEC'
minReplicas: 1
maxReplicas: 3
metrics:
- {type: Pods, pods: {metric: {name: gpu_utilization}, target: {type: AverageValue, averageValue: "60"}}}
behavior:
  scaleUp: {stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 2, periodSeconds: 15}]}
  scaleDown: {stabilizationWindowSeconds: 30, policies: [{type: Percent, value: 100, periodSeconds: 15}]}
SPEC
}
