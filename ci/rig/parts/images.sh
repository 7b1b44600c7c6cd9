# The container images of the cluster, each of one layer. Their tags are the versions. An accelerator brings its own.
inputs="images/image.py images/pause.c images/haproxy.cfg"
uses="debian coredns victoria-metrics prometheus-adapter"
needs="gcc"
build() {
  gcc -static -Os -o "$1/pause" images/pause.c || return
  image "$1" pause:1 /pause --file "$1/pause=/pause" &&
    image "$1" "coredns:$COREDNS_VERSION" /coredns --file "$(part coredns)/coredns=/coredns" &&
    image "$1" "victoria-metrics:$VICTORIAMETRICS_VERSION" /victoria-metrics \
      --file "$(part victoria-metrics)/victoria-metrics=/victoria-metrics" &&
    image "$1" "prometheus-adapter:v$PROMETHEUS_ADAPTER_VERSION" /adapter --file "$(part prometheus-adapter)/adapter=/adapter" &&
    haproxy_image "$1"
}
# HAProxy as a sidecar: libraries of the unpacked packages and of this machine.
haproxy_image() {
  local debian needed library haproxy=()
  debian=$(part debian)
  needed=$(LD_LIBRARY_PATH=$debian/usr/lib/x86_64-linux-gnu ldd "$debian/usr/sbin/haproxy") || return
  if [[ $needed == *'not found'* ]]; then echo "$needed"; return 1; fi
  for library in $(grep -o '/[^ ]*' <<<"$needed"); do haproxy+=(--file "$library=${library#"$debian"}"); done
  image "$1" "haproxy:$HAPROXY_VERSION" /bin/haproxy --argument=-db --argument=-f --argument /etc/haproxy.cfg \
    --file "$debian/usr/sbin/haproxy=/bin/haproxy" --file images/haproxy.cfg=/etc/haproxy.cfg "${haproxy[@]}"
}
