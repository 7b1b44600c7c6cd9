# the preflight checks of plan: each scene makes an obstacle, and plan must find it
scenes=(nothing node-port node-port-of-chart runtime-class storage-class pull-secret foreign-object foreign-cluster-role
  quota field-conflict second-hpa own-objects changed-hpa)

run_scene() {
  trap away EXIT
  "$1"
}
away() { # removes everything that a scene may have created
  kubectl delete namespace gpuhpa on-rig --ignore-not-found --wait >/dev/null
  kubectl delete clusterrole prometheus-adapter-resource-reader --ignore-not-found >/dev/null
  kubectl delete validatingadmissionpolicybinding,validatingadmissionpolicy on-rig --ignore-not-found >/dev/null
  ci/rig/mend >/dev/null
}
expect_plan() { # EXIT TEXT: the exit code and the output that plan must have; the overlay on the scenario is $dir.yaml
  local code=0
  "$gpuhpa" plan -f ci/rig/scenarios/rig.yaml -f "$dir.yaml" --helm "$helm" >"$dir.log" 2>&1 || code=$?
  if [ "$code" = "$1" ] && grep -F -m1 -- "$2" "$dir.log"; then return; fi
  cat "$dir.log"
  echo "exit $code, not $1; or not printed: $2"
  return 1
}
overlay() { cat >"$dir.yaml"; }

nothing() {
  overlay <<<'{}'
  expect_plan 0 'permissions'
}
node-port() {
  kubectl create namespace on-rig
  kubectl -n on-rig create service nodeport web --tcp=80 --node-port=32481
  overlay <<<'endpoint: {nodePort: 32481}'
  expect_plan 2 'node port 32481, requested by the Service of the load (endpoint.nodePort), is not free: Service on-rig/web uses it'
}
node-port-of-chart() {
  kubectl create namespace on-rig
  kubectl -n on-rig create service nodeport web --tcp=80 --node-port=31434
  overlay <<<'releases: {ollama: {values: {service: {type: NodePort}}}}'
  expect_plan 2 'requested by Service gpuhpa/ollama of release ollama, is not free: Service on-rig/web uses it'
}
runtime-class() {
  overlay <<<'releases: {ollama: {values: {runtimeClassName: nvidia}}}'
  expect_plan 2 'RuntimeClass nvidia does not exist'
}
storage-class() {
  overlay <<<'releases: {ollama: {values: {persistentVolume: {enabled: true, storageClass: longhorn}}}}'
  expect_plan 0 'StorageClass longhorn does not exist'
}
pull-secret() {
  overlay <<<'releases: {ollama: {values: {imagePullSecrets: [{name: application-collection}]}}}'
  expect_plan 0 'Secret gpuhpa/application-collection (imagePullSecrets of Deployment ollama) does not exist'
}
foreign-object() {
  kubectl create namespace gpuhpa
  kubectl -n gpuhpa create serviceaccount ollama
  overlay <<<'{}'
  expect_plan 2 'rejects ServiceAccount gpuhpa/ollama (dryRun=All): it exists already, and belongs to no helm release'
}
foreign-cluster-role() {
  kubectl create clusterrole prometheus-adapter-resource-reader --verb=get --resource=pods
  overlay <<<'{}'
  expect_plan 2 'rejects ClusterRole prometheus-adapter-resource-reader (dryRun=All): it exists already'
}
quota() {
  kubectl create namespace gpuhpa
  kubectl -n gpuhpa create quota one --hard=requests.nvidia.com/gpu=1,count/services=0
  overlay <<<'{}'
  for _ in $(seq 50); do kubectl -n gpuhpa get quota one -o jsonpath='{.status.used}' | grep -q gpu && break; sleep 0.1; done
  expect_plan 2 'exceeded quota'
  expect_plan 2 'ResourceQuota one has 1 of requests.nvidia.com/gpu left: 3 replicas may not fit'
}
field-conflict() {
  kubectl create namespace gpuhpa
  "$helm" install ollama fixtures/charts/ollama -n gpuhpa -f ci/rig/values/ollama.yaml >/dev/null
  # An update of the scale subresource, as the HPA controller writes it.
  kubectl -n gpuhpa scale deployment ollama --replicas=2 >/dev/null
  overlay <<<'releases: {ollama: {ifExists: upgrade, values: {replicaCount: 1}}}'
  case $helm in
    *4) expect_plan 2 'its chart sets spec.replicas of Deployment ollama to 1' ;;
    *) expect_plan 0 "sets the target's replicas from 2 to 1" ;;
  esac
}
second-hpa() {
  kubectl create namespace gpuhpa
  kubectl -n gpuhpa apply -f - <<<'{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: old}, spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ollama}}}'
  overlay <<<'{}'
  expect_plan 0 'HPA gpuhpa/old already scales the target'
}
# What gpuhpa cannot know: an admission policy of the cluster.
own-objects() {
  kubectl create namespace gpuhpa
  kubectl create -f - <<'EOF'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: on-rig}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [autoscaling], apiVersions: [v2], operations: [CREATE], resources: [horizontalpodautoscalers]}]
  validations: [{expression: "false", message: "no autoscalers here"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: on-rig}
spec: {policyName: on-rig, validationActions: [Deny]}
EOF
  overlay <<<'{}'
  # The API server takes a moment to enforce a new policy.
  local probe='{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: probe},
    spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: probe}}}'
  for _ in {1..100}; do
    kubectl -n gpuhpa create --dry-run=server -f - <<<"$probe" >/dev/null 2>&1 || break
    sleep 0.2
  done
  expect_plan 2 'rejects HorizontalPodAutoscaler (dryRun=All)'
}
# An admission policy changes each new HPA. In a namespace that does not exist yet only the run can see it.
changed-hpa() {
  ci/rig/broken webhook-target
  overlay <<<'{}'
  expect_plan 0 'permissions'
  kubectl create namespace gpuhpa
  expect_plan 2 'the API server would store another HPA than the scenario'
}
