# The stand-in GPU's device plugin and exporter.
inputs=accelerator/standin
build() {
  local minor=${KUBERNETES_VERSION#1.}
  pinned accelerator/standin/go.mod k8s.io/kubelet "0.$minor" &&
    (cd accelerator/standin && go vet ./... && go test ./...) &&
    go_build accelerator/standin "$1/device-plugin" ./device-plugin &&
    go_build accelerator/standin "$1/dcgm-exporter" ./dcgm-exporter
}
