# only the first pod has the label by which the Service selects
meanwhile() {
  awaiting "the first pod" 600 labelled
}
labelled() { kubectl -n gpuhpa label pod -l app.kubernetes.io/instance=ollama chosen=yes 2>/dev/null | grep -q labeled; }
