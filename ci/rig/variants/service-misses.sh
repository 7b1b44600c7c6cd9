# the first pod gets a label of its own, by which a Service may select it alone
meanwhile() {
  awaiting "the first pod" 600 labelled
}
labelled() { kubectl -n gpuhpa label pod -l app.kubernetes.io/instance=ollama chosen=yes 2>/dev/null | grep -q labeled; }
