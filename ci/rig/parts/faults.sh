# What breaks in the variants: Ollama and the API server with faults.
inputs=faults
build() {
  (cd faults && go vet ./...) &&
    go_build faults "$1/ollama" ./ollama &&
    go_build faults "$1/apiserver" ./apiserver
}
