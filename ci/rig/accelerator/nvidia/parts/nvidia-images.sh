# The images of plugin and exporter, and of Ollama with its CUDA back end. They hold the machine's own C library: its compiler built
# the back end, and its driver's libraries are loaded into them.
inputs="images/image.py"
uses="debian nvidia ollama ollama-cuda"
needs="/usr/bin/python3 nvidia-smi"
build() {
  local file ml exporter=() server=()
  ml=$(driver_libraries | sed -n 's/^libnvidia-ml.so.1=//p')
  [ -n "$ml" ] || { echo "the driver's libnvidia-ml.so.1 was not found"; return 1; }
  # NVML comes with the driver; what it loads is in the image.
  for file in $(libraries_of "$(part nvidia)"/* "$ml"); do exporter+=(--file "$file=$file"); done
  image "$1" gpu-nvidia:1 /dcgm-exporter "${exporter[@]}" \
    --file "$(part nvidia)/dcgm-exporter=/dcgm-exporter" --file "$(part nvidia)/device-plugin=/device-plugin" || return

  for file in "$(part ollama-cuda)"/*.so*; do server+=(--file "$file=/lib/ollama/${file##*/}"); done
  for file in $(libraries_of "$(part ollama)/ollama" "$(part ollama-cuda)/libggml-cuda.so"); do server+=(--file "$file=$file"); done
  ollama_image "$1" "ollama-cuda:$OLLAMA_VERSION" /bin/ollama "${server[@]}" --file "$(part ollama)/ollama=/bin/ollama"
}

# libraries_of FILE...: the libraries of the machine that the loader takes for these; not those of CUDA and the driver.
libraries_of() {
  ldd "$@" | sed -n 's/^\t.* => \(\/[^ ]*\) (.*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | sort -u |
    grep -v -e 'libcuda\.so' -e libcudart -e libcublas -e libnvJitLink -e libnvidia -e libggml
}
