# With cgo, which brings the inference on the CPU into the binary. Without the
# stamp it reports version 0.0.0.
build() { CGO_ENABLED=1 go_install "$1/ollama" "github.com/ollama/ollama@v$OLLAMA_VERSION" "-X github.com/ollama/ollama/version.Version=$OLLAMA_VERSION"; }
