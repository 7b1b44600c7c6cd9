# The device plugin, and the exporter, which loads NVML of the machine's driver.
inputs="accelerator/shared accelerator/nvidia/go.mod accelerator/nvidia/go.sum accelerator/nvidia/device-plugin accelerator/nvidia/dcgm-exporter"
build() {
  local minor=${KUBERNETES_VERSION#1.} module
  export CGO_ENABLED=1
  pinned accelerator/nvidia/go.mod k8s.io/kubelet "0.$minor" &&
    for module in shared nvidia; do (cd "accelerator/$module" && go vet ./... && go test ./...) || return; done &&
    go_build accelerator/nvidia "$1/device-plugin" ./device-plugin &&
    go_build accelerator/nvidia "$1/dcgm-exporter" ./dcgm-exporter
}
