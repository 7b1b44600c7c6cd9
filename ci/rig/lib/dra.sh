# Devices by resource claims (DRA), with RIG_ALLOCATION=dra: the rig's own driver (accelerator/dra-driver) offers them in place of
# the device plugin. Only what needs the driver builds it.

# The DRA driver of the accelerator, and the DeviceClass of its devices.
GPU_DRIVER=gpu.rig.local
# One of network interfaces, with the name of kubernetes-sigs/dranet, for what must not be taken for an accelerator.
NETWORK_DRIVER=dra.net

# dra_up: the accelerator's devices are those of claims. The accelerator's folder says what they are (accelerator_claims).
dra_up() {
  ! has_second_node || die "RIG_ALLOCATION=dra offers the devices of one node: take RIG_NODES=1"
  local DRA_DEVICES="" DRA_FILES="" DRA_CONTROL="" DRA_LIBRARIES="" DRA_CDI=""
  accelerator_claims
  DRA_NAME=gpu DRA_DRIVER=$GPU_DRIVER driver_up
}

# network_driver_up: the node offers network interfaces by claims, besides its accelerators.
network_driver_up() {
  DRA_NAME=network DRA_DRIVER=$NETWORK_DRIVER DRA_DEVICES=eth0,eth1,eth2,eth3 DRA_FILES="" DRA_CONTROL="" DRA_LIBRARIES="" \
    DRA_CDI="" driver_up
  awaiting "the network interfaces" 60 driver_offers "$NETWORK_DRIVER" 4
}

# driver_up: DRA_NAME names its objects, and the type of its devices.
driver_up() {
  make_parts dra
  ctr_ 120 images import "$(part dra)/dra-driver.tar" >/dev/null
  apply "$RIG/manifests/dra.yaml"
  kubectl -n gpu-operator rollout status daemonset "dra-driver-$DRA_NAME" --timeout 60s >/dev/null
}

# driver_down NAME DRIVER: the kubelet itself removes the slices of a driver that is gone half a minute later.
driver_down() {
  kubectl get deviceclass "$2" >/dev/null 2>&1 || return 0
  kubectl -n gpu-operator delete daemonset "dra-driver-$1" --ignore-not-found --cascade=foreground --wait >/dev/null
  kubectl delete resourceslices --field-selector "spec.driver=$2" >/dev/null
  kubectl delete deviceclass "$2" --ignore-not-found >/dev/null
}
dra_down() { driver_down gpu "$GPU_DRIVER"; }
network_driver_down() { driver_down network "$NETWORK_DRIVER"; }

# offered_by DRIVER: the number of devices that it publishes.
offered_by() {
  kubectl get resourceslices --request-timeout=5s --field-selector "spec.driver=$1" -o 'jsonpath={.items[*].spec.devices[*].name}' \
    2>/dev/null | wc -w
}
driver_offers() { [ "$(offered_by "$1")" = "$2" ]; }
