# another HPA scales the target already
on() {
  kubectl create namespace gpuhpa >/dev/null
  # Controllers create these objects in each new namespace; the digest before the run must include them.
  awaiting "the namespace's own objects" 30 furnished
  kubectl -n gpuhpa create -f - >/dev/null <<'HPA'
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: competing-hpa}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ollama}
  maxReplicas: 2
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
HPA
}
furnished() { kubectl -n gpuhpa get configmap/kube-root-ca.crt serviceaccount/default >/dev/null 2>&1; }
off() { kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null; }
