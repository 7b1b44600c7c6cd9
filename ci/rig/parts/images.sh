# The container images, each of one layer. Their tags are the versions.
inputs="images/image.py images/pause.c images/haproxy.cfg"
uses="debian coredns victoria-metrics prometheus-adapter standin faults ollama model"
build() {
  local library applet ollama=()
  gcc -static -Os -o "$1/pause" images/pause.c || return
  image "$1" pause:1 /pause --file "$1/pause=/pause" &&
    image "$1" "coredns:$COREDNS_VERSION" /coredns --file "$(part coredns)/coredns=/coredns" &&
    image "$1" "victoria-metrics:$VICTORIAMETRICS_VERSION" /victoria-metrics \
      --file "$(part victoria-metrics)/victoria-metrics=/victoria-metrics" &&
    image "$1" "prometheus-adapter:v$PROMETHEUS_ADAPTER_VERSION" /adapter --file "$(part prometheus-adapter)/adapter=/adapter" &&
    image "$1" gpu-standin:1 /dcgm-exporter \
      --file "$(part standin)/dcgm-exporter=/dcgm-exporter" --file "$(part standin)/device-plugin=/device-plugin" || return

  # Ollama is linked to the C++ runtime, and its chart's postStart hook needs a
  # shell with the usual tools.
  for library in $(ldd "$(part ollama)/ollama" | grep -o '/[^ ]*'); do ollama+=(--file "$library=$library"); done
  for applet in sh cat sleep echo ls ps; do ollama+=(--link "busybox=/bin/$applet"); done
  ollama+=(--file "$(part ollama)/ollama=/bin/ollama" --file "$(part debian)/bin/busybox=/bin/busybox"
    --file "$(part model)/tiny.gguf=/gguf/tiny.gguf" --file "$(part model)/small.gguf=/gguf/small.gguf"
    --env OLLAMA_HOST=0.0.0.0:11434 --env HOME=/root)
  image "$1" "ollama:$OLLAMA_VERSION" /bin/ollama --argument serve "${ollama[@]}" &&
    image "$1" ollama-faulty:1 /bin/faulty --argument serve "${ollama[@]}" --file "$(part faults)/ollama=/bin/faulty" &&
    haproxy_image "$1"
}
# HAProxy as a sidecar: libraries of the unpacked packages and of this machine.
haproxy_image() {
  local debian needed library haproxy=()
  debian=$(part debian)
  needed=$(LD_LIBRARY_PATH=$debian/usr/lib/x86_64-linux-gnu ldd "$debian/usr/sbin/haproxy") || return
  if [[ $needed == *'not found'* ]]; then echo "$needed"; return 1; fi
  for library in $(grep -o '/[^ ]*' <<<"$needed"); do
    haproxy+=(--file "$library=${library#"$debian"}")
  done
  image "$1" "haproxy:$HAPROXY_VERSION" /bin/haproxy --argument=-db --argument=-f --argument /etc/haproxy.cfg \
    --file "$debian/usr/sbin/haproxy=/bin/haproxy" --file images/haproxy.cfg=/etc/haproxy.cfg "${haproxy[@]}"
}
image() {
  local library libraries haproxy=()
  libraries=$(part debian)/usr/lib/x86_64-linux-gnu
  for library in $(LD_LIBRARY_PATH=$libraries ldd "$(part debian)/usr/sbin/haproxy" | grep -o '/[^ ]*'); do
    haproxy+=(--file "$library=/lib/x86_64-linux-gnu/${library##*/}")
  done
  image "$1" "haproxy:$HAPROXY_VERSION" /bin/haproxy --argument=-db --argument=-f --argument /etc/haproxy.cfg \
    --file "$(part debian)/usr/sbin/haproxy=/bin/haproxy" --file images/haproxy.cfg=/etc/haproxy.cfg "${haproxy[@]}" \
    --file /lib64/ld-linux-x86-64.so.2=/lib64/ld-linux-x86-64.so.2
}
image() {
  local out=$1 name=$2
  shift 2
  /usr/bin/python3 images/image.py "$out/${name%:*}.tar" "rig.local/$name" "$@"
}
