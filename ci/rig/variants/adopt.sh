# an HPA that kubectl has made waits for the target
on() {
  kubectl create namespace gpuhpa >/dev/null
  # Controllers create these objects in each new namespace; the digest before the run must include them.
  awaiting "the namespace's own objects" 30 furnished
  kubectl -n gpuhpa create -f - >/dev/null <<'HPA'
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: gitops}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ollama}
  minReplicas: 1
  maxReplicas: 3
  metrics:
  - {type: Pods, pods: {metric: {name: gpu_utilization}, target: {type: AverageValue, averageValue: "60"}}}
  behavior:
    scaleUp: {stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 2, periodSeconds: 15}]}
    scaleDown: {stabilizationWindowSeconds: 30, policies: [{type: Percent, value: 100, periodSeconds: 15}]}
HPA
}
furnished() { kubectl -n gpuhpa get configmap/kube-root-ca.crt serviceaccount/default >/dev/null 2>&1; }
off() { kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null; }
