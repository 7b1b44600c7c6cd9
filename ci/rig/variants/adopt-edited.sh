# the adopted HPA is edited under load, and edited back
. "$RIG/variants/adopt.sh"
meanwhile() {
  awaiting "the second replica" 600 has_two
  # By one client, a moment apart: the run ends with the first edit, and its clean-up compares the HPA with what it was.
  local hpa=https://$API_IP:6443/apis/autoscaling/v2/namespaces/gpuhpa/horizontalpodautoscalers/gitops
  local patch=(-sf -o /dev/null --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" -X PATCH
    -H 'Content-Type: application/merge-patch+json')
  curl "${patch[@]}" -d '{"spec": {"maxReplicas": 4}}' "$hpa" --next "${patch[@]}" -d '{"spec": {"maxReplicas": 3}}' "$hpa"
}
has_two() {
  local ready
  ready=$(kubectl -n gpuhpa get deployment ollama -o 'jsonpath={.status.readyReplicas}' 2>/dev/null) && [ "${ready:-0}" -ge 2 ]
}
