# The container images of the cluster, each of one layer. Their tags are the versions. An accelerator brings its own.
inputs="images/image.py images/pause.c"
uses="coredns victoria-metrics prometheus-adapter"
needs="gcc"
build() {
  gcc -static -Os -o "$1/pause" images/pause.c || return
  image "$1" pause:1 /pause --file "$1/pause=/pause" &&
    image "$1" "coredns:$COREDNS_VERSION" /coredns --file "$(part coredns)/coredns=/coredns" &&
    image "$1" "victoria-metrics:$VICTORIAMETRICS_VERSION" /victoria-metrics \
      --file "$(part victoria-metrics)/victoria-metrics=/victoria-metrics" &&
    image "$1" "prometheus-adapter:v$PROMETHEUS_ADAPTER_VERSION" /adapter --file "$(part prometheus-adapter)/adapter=/adapter"
}
