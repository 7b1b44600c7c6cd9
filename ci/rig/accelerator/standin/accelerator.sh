# The stand-in for an accelerator. See ../README.md.

ACCELERATOR_PARTS="standin-images"
ACCELERATOR_IMAGES="standin-images"
ACCELERATOR_ALLOCATIONS="plugin mig mig-mixed time-sliced"
ACCELERATOR_ATTRIBUTIONS="pod card rotating none"

accelerator_says() {
  echo "stand-in: no card; inference runs on the CPU, and a GPU's utilization is its pod's CPU use against its CPU limit"
}

accelerator_up() { apply "$RIG/accelerator/standin/manifests.yaml"; }

# Each device has one series, held or not.
accelerator_has_series() { [ "$1" = "$RIG_GPUS" ]; }
