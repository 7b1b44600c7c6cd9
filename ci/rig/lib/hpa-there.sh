# for variants: an HPA on the target that exists before the run, as an operator or a GitOps tool makes it
hpa_there() { # NAME: the rest of its spec is on stdin
  kubectl create namespace gpuhpa >/dev/null
  # Controllers create these objects in each new namespace; the digest before the run must include them.
  awaiting "the namespace's own objects" 30 furnished
  {
    cat <<HPA
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: $1}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ollama}
HPA
    sed 's/^/  /'
  } | kubectl -n gpuhpa create -f - >/dev/null
}
furnished() { kubectl -n gpuhpa get configmap/kube-root-ca.crt serviceaccount/default >/dev/null 2>&1; }
off() { kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null; }
