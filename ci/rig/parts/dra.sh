# The DRA driver, in an image. Only what needs it builds it (lib/dra.sh).
inputs="accelerator/dra-driver images/image.py"
build() {
  local minor=${KUBERNETES_VERSION#1.}
  pinned accelerator/dra-driver/go.mod k8s.io/dynamic-resource-allocation "0.$minor" &&
    (cd accelerator/dra-driver && go vet ./... && go test ./...) &&
    go_build accelerator/dra-driver "$1/dra-driver" . &&
    image "$1" dra-driver:1 /dra-driver --file "$1/dra-driver=/dra-driver" &&
    # The image holds it.
    rm "$1/dra-driver"
}
