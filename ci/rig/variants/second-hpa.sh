# somebody has an HPA on the target already
on() {
  kubectl create namespace gpuhpa >/dev/null
  kubectl -n gpuhpa create -f - >/dev/null <<'HPA'
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: somebody-elses}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ollama}
  maxReplicas: 2
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
HPA
}
off() { kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null; }
