# gpuhpa reaches the API server through a proxy that answers 429, 500, 503 and 410, delays, and ends watches
on() {
  : >"$STATE/log/api-faults.log"
  start api-faults "$(part faults)/apiserver" -listen="$NODE_IP:6444" -server="https://$NODE_IP:6443" \
    -ca="$PKI/ca.crt" -cert="$PKI/admin.crt" -key="$PKI/admin.key"
  sed "s|https://$NODE_IP:6443|http://$NODE_IP:6444|; /certificate-authority-data/d; /client-/d" \
    "$STATE/admin.kubeconfig" >"$STATE/run.kubeconfig"
}
# The log has a line for each fault, and must have one of every kind.
acted() { for code in 429 500 503 410; do grep -q "^fault $code " "$STATE/log/api-faults.log" || return 1; done; }
off() {
  stop api-faults
  rm -f "$STATE/run.kubeconfig"
}
