# init reads a cluster in each of six states; plan and verify then take what it wrote, without a hand on the file
scenes=(bare adapter-there keda-there ollama-there no-store no-rights)

before_scene() {
  if [ "$1" = keda-there ]; then ci/rig/keda on; else ci/rig/keda off; fi
  if [ "$1" = no-store ]; then ci/rig/broken no-store; fi
}
run_scene() {
  trap away EXIT
  "$1"
}
away() { # removes everything that a scene may have created
  # An APIService without its adapter would keep a namespace from ending.
  "$helm" uninstall prometheus-adapter -n adapter >/dev/null 2>&1 || true
  kubectl delete namespace llm adapter on-rig --ignore-not-found --wait >/dev/null
}

# write_scenario [ARGUMENT...]: the scenario is $dir.yaml; it must extend the rig's, whose charts and images the rig has.
write_scenario() {
  "$gpuhpa" init "$@" --extends ci/rig/scenarios/rig.yaml --helm "$helm" -o "$dir.yaml" >"$dir.init" 2>&1 || { cat "$dir.init"; return 1; }
}
says() { # TEXT...: the scenario, in one line without the marks of comments, says it
  local text whole
  whole=$(sed 's/^ *# *//' "$dir.yaml" | tr -s '\n ' '  ')
  for text in "$@"; do
    [[ $whole == *"$text"* ]] || { cat "$dir.yaml"; echo "init did not write: $text"; return 1; }
  done
}
plans() { # EXIT TEXT...: also with the kubeconfig of the scene, if it has one
  local wanted=$1 code=0 text files=()
  shift
  if [ -e "$dir.kubeconfig" ]; then files=(--kubeconfig "$dir.kubeconfig"); fi
  "$gpuhpa" plan -f "$dir.yaml" "${files[@]}" --helm "$helm" >"$dir.plan" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || { cat "$dir.plan"; echo "plan exits with $code, not $wanted"; return 1; }
  for text in "$@"; do grep -F -m1 -- "$text" "$dir.plan" || { cat "$dir.plan"; echo "plan did not print: $text"; return 1; }; done
}
passes() {
  plans 0
  "$gpuhpa" verify -f "$dir.yaml" --helm "$helm" --yes --report-dir "$dir" >"$dir.log" 2>&1 || { cat "$dir.log"; return 1; }
  tail -n 2 "$dir.log"
}

bare() {
  write_scenario
  says 'Accelerators: nvidia.com/gpu, 4 on 1 node, free: 4.' 'nothing serves custom.metrics.k8s.io' 'No workload runs Ollama' \
    'No metrics adapter serves custom metrics: the run installs one' 'Exporter: pods with app=nvidia-dcgm-exporter' \
    'Store: Service monitoring/victoria-metrics; its name has' 'scrapeInterval: measured'
  passes
}
adapter-there() {
  kubectl create namespace adapter >/dev/null
  "$helm" install prometheus-adapter fixtures/charts/prometheus-adapter -n adapter -f ci/rig/values/prometheus-adapter.yaml --wait >/dev/null
  write_scenario
  says 'Service adapter/prometheus-adapter serves custom.metrics.k8s.io already, and the run installs no second adapter.' \
    'prometheus-adapter: null' 'Deployment adapter/prometheus-adapter points at it'
  passes
}
keda-there() {
  write_scenario
  says 'external.metrics.k8s.io is served by Service keda/keda-metrics-apiserver' 'KEDA serves external metrics. To test an HPA of KEDA' \
    'serverAddress: "http://victoria-metrics.monitoring.svc:8428"'
  passes
}
ollama-there() {
  kubectl create namespace llm >/dev/null
  "$helm" install ollama fixtures/charts/ollama -n llm -f ci/rig/values/ollama.yaml --wait >/dev/null
  write_scenario
  says 'Ollama is there: Deployment llm/ollama, whose pods request nvidia.com/gpu=1. It is used as it is.' 'ifExists: adopt' \
    'namespace: "llm"' 'Ollama has the model tiny.'
  passes
}
no-store() {
  write_scenario
  says 'Store: no Service of a known name answers Prometheus queries.' 'store: null' 'or no run can pass'
  plans 2 'Service monitoring/victoria-metrics does not exist: Deployment prometheus-adapter'
}
no-rights() {
  # A user that may read nothing.
  kubectl create namespace on-rig >/dev/null
  kubectl -n on-rig create serviceaccount nobody >/dev/null
  kubectl config view --raw --flatten >"$dir.kubeconfig"
  kubectl --kubeconfig "$dir.kubeconfig" config unset users >/dev/null
  kubectl --kubeconfig "$dir.kubeconfig" config set-credentials nobody --token "$(kubectl -n on-rig create token nobody)" >/dev/null
  kubectl --kubeconfig "$dir.kubeconfig" config set-context --current --user nobody >/dev/null
  write_scenario --kubeconfig "$dir.kubeconfig"
  says 'Accelerators: the nodes could not be read.' 'ci/rbac-init.yaml' 'cannot list resource "pods"' \
    'Whether Ollama runs already could not be read' 'the Services could not be read'
  plans 2 'missing permission'
}
