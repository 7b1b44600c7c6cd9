# What CMake needs of Ollama's sources to build its CUDA back end.
build() {
  local source
  go mod download "github.com/ollama/ollama@v$OLLAMA_VERSION" || return
  source=$(go env GOMODCACHE)/github.com/ollama/ollama@v$OLLAMA_VERSION
  (cd "$source" && cp --parents -r CMakeLists.txt ml/backend/ggml "$1") && chmod -R u+w "$1"
}
