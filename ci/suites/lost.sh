# a run that loses the cluster, helm or its account, or that finds its objects in the cluster
scenes=(helm-hangs cluster-gone credentials-end clean-during-run upgraded away-during-helm away-during-cleanup namespace-deleted)
pid=

run_scene() {
  trap 'end_run; ci/rig/mend >/dev/null; remove_objects' EXIT
  "$1"
}
end_run() { if [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null; then wait "$pid" || true; fi; }
remove_objects() { # what a scene creates, and removes itself unless it fails
  kubectl delete namespace on-rig --ignore-not-found >/dev/null
  kubectl delete clusterrolebinding on-rig --ignore-not-found >/dev/null
}

begin() { # ARGUMENTS of verify; stdin is an overlay on the scenario
  cat >"$dir.yaml"
  "$gpuhpa" verify -f ci/rig/scenarios/rig.yaml -f "$dir.yaml" --helm "$helm" "$@" --yes --report-dir "$dir" >"$dir.log" 2>&1 &
  pid=$!
}
await_text() { # TEXT FILE: waits until the file contains the text; fails when the run ends first
  until grep -qsF -- "$1" "$2"; do kill -0 "$pid" || { echo "the run ended before: $1"; return 1; }; sleep 0.1; done
}
await_phase() { await_text "\"phase\":{\"phase\":\"$1\",\"edge\":\"began\"" "$dir/timeline.jsonl"; }
has_text() { grep -F -- "$1" "$2" || { echo "not printed: $1"; tail -n 25 "$2"; return 1; }; }
ends_with() { # CODES TEXT: the exit code and the output that the run must have
  local code=0
  wait "$pid" || code=$?
  pid=
  if [[ "/$1/" != *"/$code/"* ]]; then tail -n 25 "$dir.log"; echo "exit $code, not $1"; return 1; fi
  has_text "$2" "$dir.log"
}
clean() { "$gpuhpa" clean "$dir" --helm "$helm" >"$dir.clean" 2>&1 || { cat "$dir.clean"; return 1; }; }
# Helm and other clients of the API server retry for about this long.
interrupt_api_server() { ci/rig/broken api-gone; sleep 10; ci/rig/mend; }

# helm install never returns.
helm-hangs() {
  cat >"$dir.helm" <<SH
#!/bin/sh
[ "\$1" != install ] || exec sleep 600
exec $helm "\$@"
SH
  chmod +x "$dir.helm"
  helm=$dir.helm
  begin <<<'{phases: {installTimeout: 20s}}'
  ends_with 3 'helm'
}
# The API server goes away under load and stays away until the run has ended.
cluster-gone() {
  begin <<<'{}'
  await_phase hold
  ci/rig/broken api-gone
  ends_with 3 'to remove the leftovers: gpuhpa clean'
  ci/rig/mend
  clean
}
# The account of the run is deleted under load.
credentials-end() {
  kubectl create namespace on-rig
  kubectl -n on-rig create serviceaccount runner
  kubectl create clusterrolebinding on-rig --clusterrole=cluster-admin --serviceaccount=on-rig:runner
  local config=$dir.kubeconfig token
  token=$(kubectl -n on-rig create token runner)
  kubectl config view --raw >"$config"
  kubectl --kubeconfig "$config" config set-credentials runner --token "$token"
  kubectl --kubeconfig "$config" config set-context --current --user runner
  begin --kubeconfig "$config" <<<'{}'
  await_phase hold
  kubectl delete namespace on-rig
  ends_with 3 'Unauthorized'
  has_text 'to remove the leftovers: gpuhpa clean' "$dir.log"
  kubectl delete clusterrolebinding on-rig
  clean
}
# clean is called during the run and changes nothing.
clean-during-run() {
  begin <<<'{}'
  await_phase baseline
  local code=0
  "$gpuhpa" clean "$dir" --helm "$helm" >"$dir.clean" 2>&1 || code=$?
  [ "$code" = 2 ] || { cat "$dir.clean"; echo "clean: exit $code, not 2"; return 1; }
  has_text 'the run is still active' "$dir.clean"
  ends_with 0 'PASS (STAND-IN)'
}
# The release of the target exists before the run, which upgrades it and then restores its revision and its size.
upgraded() {
  kubectl create namespace gpuhpa
  "$helm" install ollama fixtures/charts/ollama -n gpuhpa -f ci/rig/values/ollama.yaml
  kubectl -n gpuhpa rollout status deployment ollama
  begin <<<'{releases: {ollama: {ifExists: upgrade, values: {podAnnotations: {by: the-run}}}}}'
  ends_with 0 'PASS (STAND-IN)'
  [ "$(kubectl -n gpuhpa get deployment ollama -o 'jsonpath={.spec.replicas} {.spec.template.metadata.annotations}')" = '1 ' ]
  "$helm" -n gpuhpa history ollama
  kubectl delete namespace gpuhpa
}
# The API server is away for ten seconds during helm install.
away-during-helm() {
  begin <<<'{}'
  until kubectl -n gpuhpa get secret sh.helm.release.v1.ollama.v1 >/dev/null 2>&1; do kill -0 "$pid"; sleep 0.05; done
  interrupt_api_server
  ends_with 0/3 'STAND-IN'
}
# The API server is away for ten seconds during the clean-up.
away-during-cleanup() {
  begin <<<'{}'
  await_phase cleanup
  interrupt_api_server
  ends_with 0 'PASS (STAND-IN)'
}
# The namespace of a killed run is deleted, and with it helm's record of the adapter.
namespace-deleted() {
  begin <<<'{}'
  await_phase baseline
  kill -KILL "$pid"
  wait "$pid" || true
  pid=
  kubectl delete namespace gpuhpa-metrics --wait=false
  while kubectl -n gpuhpa-metrics get secrets -l owner=helm -o name | grep -q .; do sleep 0.2; done
  clean
}
