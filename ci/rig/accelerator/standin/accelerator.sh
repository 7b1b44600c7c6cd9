# The stand-in for an accelerator. RIG_ACCELERATOR selects another folder beside
# this one, which must define the same functions.

ACCELERATOR_SAYS="stand-in: no card; inference runs on the CPU, and a GPU's utilization is its pod's CPU use against its CPU limit"

# accelerator_up: offers RIG_GPUS devices and their metrics, also when it runs
# with another number already.
accelerator_up() { apply "$RIG/accelerator/standin/manifests.yaml"; }
