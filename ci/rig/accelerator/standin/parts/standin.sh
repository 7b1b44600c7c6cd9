# The stand-in GPU's device plugin and exporter.
inputs="accelerator/shared accelerator/standin"
build() {
  local minor=${KUBERNETES_VERSION#1.} module
  pinned accelerator/standin/go.mod k8s.io/kubelet "0.$minor" &&
    for module in shared standin; do (cd "accelerator/$module" && go vet ./... && go test ./...) || return; done &&
    go_build accelerator/standin "$1/device-plugin" ./device-plugin &&
    go_build accelerator/standin "$1/dcgm-exporter" ./dcgm-exporter
}
