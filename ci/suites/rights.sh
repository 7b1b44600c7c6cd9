# the permissions of ci/rbac.yaml are sufficient, and plan names each missing one
#   plan    removes each rule in turn: plan must name the missing permissions and exit as expected
#   pod     plan with a pod's credentials: service account files, no kubeconfig
#   pass    verify with these permissions and no others
#   blind   the same without the permissions for store and exporter
scenes=(plan pod pass blind)
scenario=ci/rig/scenarios/rig.yaml

run_scene() {
  user=$dir.kubeconfig
  charts_render_as_recorded
  trap 'kubectl delete --wait -f ci/rbac.yaml --ignore-not-found >/dev/null' EXIT
  kubectl apply -f ci/rbac.yaml >/dev/null
  kubectl config view --raw --flatten >"$user"
  kubectl --kubeconfig "$user" config unset users
  kubectl --kubeconfig "$user" config set-credentials gpuhpa --token "$(token)"
  kubectl --kubeconfig "$user" config set-context --current --user gpuhpa
  "scene_$1"
}
token() { kubectl -n gpuhpa create token gpuhpa --duration=1h; }
# The charts must render what src/plan/permissions/tests.rs reads.
charts_render_as_recorded() {
  local chart namespace
  for chart in ollama prometheus-adapter; do
    namespace=gpuhpa
    if [ "$chart" = prometheus-adapter ]; then namespace=gpuhpa-metrics; fi
    diff -B <("$helm" template "$chart" "fixtures/charts/$chart" -n "$namespace") "fixtures/rendered/$chart.yaml" ||
      { echo "fixtures/rendered/$chart.yaml is old: $helm template $chart fixtures/charts/$chart -n $namespace"; return 1; }
  done
}
run_plan() { # sets code; the output is in $dir.log
  code=0
  "$gpuhpa" plan --kubeconfig "$user" -f "$scenario" --helm "$helm" >"$dir.log" 2>&1 || code=$?
}
all_permitted() { # CODE TEXT: plan ended well, and this text is in its output
  if [ "$1" = 0 ] && grep -qF "$2" "$dir.log" && ! grep -E 'missing permission|no permission to' "$dir.log"; then return; fi
  cat "$dir.log"
  echo "exit $1, and a permission is missing or not printed: $2"
  return 1
}

scene_plan() {
  local rules=$dir.rules folder wrong=0
  run_plan
  all_permitted "$code" 'permissions'
  "$built/examples/rights" write "$rules"
  for folder in "$rules"/*; do
    kubectl replace -f "$folder/without.json" >/dev/null
    await_review "$folder" false
    run_plan
    kubectl replace -f "$folder/whole.json" >/dev/null
    await_review "$folder" true
    "$built/examples/rights" check "${folder##*/}" "$code" "$dir.log" || wrong=$((wrong + 1))
  done
  echo "$(find "$rules" -mindepth 1 -type d | wc -l) rules, $wrong not as expected"
  [ "$wrong" = 0 ]
}
await_review() { # FOLDER true|false: waits until the API server's authorizer gives this answer
  for _ in $(seq 50); do
    if [ "$(kubectl create -f "$1/review.json" -o 'jsonpath={.status.allowed}')" = "$2" ]; then return; fi
    sleep 0.05
  done
  echo "the access review of ${1##*/} does not say $2"
  return 1
}

# A pod reads its credentials from a fixed path; here that path exists in a mount namespace of its own.
scene_pod() {
  local place=/run/secrets/kubernetes.io/serviceaccount code=0
  token >"$dir.token"
  kubectl config view --raw --flatten -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$dir.ca"
  env -i PATH="$PATH" HOME="$out" KUBERNETES_SERVICE_HOST=198.18.0.2 KUBERNETES_SERVICE_PORT=6443 \
    unshare --mount --propagation private sh -c "mount -t tmpfs tmpfs /run && mkdir -p $place && cp '$dir.token' $place/token &&
      cp '$dir.ca' $place/ca.crt && printf gpuhpa >$place/namespace && exec '$gpuhpa' plan -f $scenario --helm $helm" \
    >"$dir.log" 2>&1 || code=$?
  all_permitted "$code" 'context in-cluster'
  echo "plan with a pod's credentials: exit 0, every permission"
}

scene_pass() {
  verify_as_user
  "$built/examples/rights" readings "$dir"
}
scene_blind() {
  kubectl -n monitoring delete role gpuhpa-read >/dev/null
  kubectl -n gpu-operator delete role gpuhpa-read >/dev/null
  verify_as_user
  "$built/examples/rights" readings "$dir" api
}
verify_as_user() {
  local code=0
  "$gpuhpa" verify --kubeconfig "$user" -f "$scenario" --helm "$helm" --yes --report-dir "$dir" >"$dir.log" 2>&1 || code=$?
  if [ "$code" != 0 ]; then cat "$dir.log"; echo "exit $code, not 0"; return 1; fi
}
