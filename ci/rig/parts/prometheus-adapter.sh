# A module that requires exactly this version: its tags are not listed, so
# `go install` by version refuses it.
inputs=modules/prometheus-adapter
build() {
  pinned modules/prometheus-adapter/go.mod sigs.k8s.io/prometheus-adapter "$PROMETHEUS_ADAPTER_VERSION" &&
    go_build modules/prometheus-adapter "$1/adapter" sigs.k8s.io/prometheus-adapter/cmd/adapter
}
