# Ollama's CUDA back end, for the cards of this machine alone, with the libraries of CUDA that it loads.
uses=ollama-source
needs="nvcc cmake ninja g++ nvidia-smi"
build() {
  local architectures library
  architectures=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | tr -d . | sort -u | paste -sd';') &&
    CUDACXX=$(command -v nvcc) cmake -S "$(part ollama-source)" -B "$1/build" -G Ninja \
      -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CUDA_ARCHITECTURES=$architectures" &&
    cmake --build "$1/build" --target ggml-cuda || return
  ldd "$1/build/lib/ollama/libggml-cuda.so" || return
  for library in $(ldd "$1/build/lib/ollama/libggml-cuda.so" | sed -n 's/^\t\(libcudart\|libcublas\|libnvJitLink\)[^ ]* => \(\/[^ ]*\) .*/\2/p'); do
    cp -L "$library" "$1/" || return
  done
  cp "$1"/build/lib/ollama/*.so "$1/" && rm -r "$1/build"
}
