# the adopted HPA is edited under load, and edited back
. "$RIG/variants/adopt.sh"
meanwhile() {
  awaiting "the second replica" 600 has_two
  kubectl -n gpuhpa patch hpa gitops --type merge -p '{"spec":{"maxReplicas":4}}' >/dev/null
  kubectl -n gpuhpa patch hpa gitops --type merge -p '{"spec":{"maxReplicas":3}}' >/dev/null
}
has_two() {
  local ready
  ready=$(kubectl -n gpuhpa get deployment ollama -o 'jsonpath={.status.readyReplicas}' 2>/dev/null) && [ "${ready:-0}" -ge 2 ]
}
