# Ollama and a ScaledObject exist already, and KEDA has made its HPA
MIN=${MIN:-1} STORE_PATH=${STORE_PATH:-} FALLBACK=${FALLBACK:-}
on() {
  kubectl create namespace gpuhpa >/dev/null
  helm4 install ollama "$RIG/../../fixtures/charts/ollama" -n gpuhpa -f "$RIG/values/ollama.yaml" --wait >/dev/null
  kubectl -n gpuhpa create -f - >/dev/null <<SCALEDOBJECT
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: ollama}
spec:
  scaleTargetRef: {name: ollama}
  minReplicaCount: $MIN
  maxReplicaCount: 3
  pollingInterval: 5
  $FALLBACK
  triggers:
  - type: prometheus
    metricType: AverageValue
    metadata:
      serverAddress: http://victoria-metrics.monitoring.svc:8428$STORE_PATH
      query: sum(DCGM_FI_DEV_GPU_UTIL{namespace="gpuhpa",pod=~"ollama-.*"})
      threshold: "60"
      ignoreNullValues: "false"
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleUp: {stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 2, periodSeconds: 15}]}
        scaleDown: {stabilizationWindowSeconds: 30, policies: [{type: Percent, value: 100, periodSeconds: 15}]}
SCALEDOBJECT
  awaiting "KEDA's HPA" 60 kubectl -n gpuhpa get hpa keda-hpa-ollama
}
off() {
  kubectl -n gpuhpa delete scaledobject --all --wait --timeout 60s >/dev/null 2>&1 || true
  kubectl delete namespace gpuhpa --ignore-not-found --wait >/dev/null
}
