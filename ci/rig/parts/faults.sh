# Proxies that inject faults before Ollama and before the API server.
inputs=faults
build() {
  (cd faults && go vet ./...) &&
    go_build faults "$1/ollama" ./ollama &&
    go_build faults "$1/apiserver" ./apiserver
}
