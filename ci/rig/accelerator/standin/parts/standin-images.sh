# The images of the stand-in: its plugin and exporter, and Ollama, which computes on the CPU.
inputs="images/image.py"
uses="debian standin faults ollama model"
needs="/usr/bin/python3"
build() {
  local library ollama=()
  image "$1" gpu-standin:1 /dcgm-exporter \
    --file "$(part standin)/dcgm-exporter=/dcgm-exporter" --file "$(part standin)/device-plugin=/device-plugin" || return

  # Ollama is linked to the C++ runtime.
  for library in $(ldd "$(part ollama)/ollama" | grep -o '/[^ ]*'); do ollama+=(--file "$library=$library"); done
  ollama+=(--file "$(part ollama)/ollama=/bin/ollama"
    --file "$(part model)/tiny.gguf=/gguf/tiny.gguf" --file "$(part model)/small.gguf=/gguf/small.gguf")
  ollama_image "$1" "ollama:$OLLAMA_VERSION" /bin/ollama "${ollama[@]}" &&
    ollama_image "$1" ollama-faulty:1 /bin/faulty "${ollama[@]}" --file "$(part faults)/ollama=/bin/faulty"
}
