# The stand-in for an accelerator. See ../README.md.

ACCELERATOR_PARTS="standin-images"
ACCELERATOR_IMAGES="standin-images"
ACCELERATOR_ALLOCATIONS="plugin mig mig-mixed time-sliced dra"

accelerator_says() {
  local how
  case $RIG_ALLOCATION in
    plugin) how="each device a card" ;;
    mig) how="MIG instances as nvidia.com/gpu (strategy single)" ;;
    mig-mixed) how="MIG instances as $(accelerator_resource) (strategy mixed)" ;;
    dra) how="each device a card, by claims of $GPU_DRIVER" ;;
    time-sliced) how="one card time-sliced into $RIG_GPUS, attribution $RIG_ATTRIBUTION" ;;
  esac
  echo "stand-in: no card; inference runs on the CPU, and a GPU's utilization is its pod's CPU use against its CPU limit; $how"
}

accelerator_up() {
  apply "$RIG/accelerator/standin/manifests.yaml"
  on_each_node label_node
}

# accelerator_claims: what the DRA driver offers: the cards that the device plugin offers otherwise (accelerator/standin/devices).
accelerator_claims() {
  local number
  for number in $(seq 0 $((RIG_GPUS - 1))); do
    DRA_DEVICES+=$(printf 'gpu-%d=GPU-6f1d2c3a-%04x-4a5b-8c9d-%012x,' "$number" "$number" "$number")
  done
}

# Seven instances of this profile are a card (accelerator/standin/devices).
MIG_PROFILE=1g.10gb

accelerator_resource() {
  if [ "$RIG_ALLOCATION" = mig-mixed ]; then echo "nvidia.com/mig-$MIG_PROFILE"; else echo nvidia.com/gpu; fi
}

# An instance has no utilization.
accelerator_metric() {
  case $RIG_ALLOCATION in mig | mig-mixed) echo DCGM_FI_PROF_GR_ENGINE_ACTIVE ;; *) echo DCGM_FI_DEV_GPU_UTIL ;; esac
}

accelerator_count() { if [ "$RIG_ALLOCATION" = time-sliced ]; then echo 1; else echo "$RIG_GPUS"; fi; }

# label_node: on this node, sets the labels of node_labels, and removes those of another allocation.
label_node() {
  local name label labels="" wanted
  wanted=" $(node_labels | tr '\n' ' ')"
  # null removes a label.
  for name in mig.strategy {gpu,"mig-$MIG_PROFILE"}.{product,count,replicas,sharing-strategy,slices.gi,slices.ci}; do
    [[ $wanted == *" nvidia.com/$name="* ]] || labels+="\"nvidia.com/$name\": null, "
  done
  for label in $wanted; do labels+="\"${label%%=*}\": \"${label#*=}\", "; done
  kubectl patch node "$NODE" --type merge -p "{\"metadata\": {\"labels\": {${labels%, }}}}" >/dev/null
}

# node_labels: those that NVIDIA's GPU feature discovery writes for such a node. A rig of whole cards has none: not every cluster
# runs feature discovery.
node_labels() {
  local card=Stand-in-for-an-NVIDIA-GPU cards=$(((RIG_GPUS + 6) / 7))
  case $RIG_ALLOCATION in
    # With `single` nvidia.com/gpu is an instance.
    mig)
      labels_of gpu "$card-MIG-$MIG_PROFILE" "$RIG_GPUS" 1 none
      echo nvidia.com/mig.strategy=single nvidia.com/gpu.slices.gi=1 nvidia.com/gpu.slices.ci=1
      ;;
    # With `mixed` it is a card, of which no device is offered, and which has no sharing.
    mig-mixed)
      labels_of gpu "$card" "$cards" 0 none
      labels_of "mig-$MIG_PROFILE" "$card-MIG-$MIG_PROFILE" "$RIG_GPUS" 1 none
      echo nvidia.com/mig.strategy=mixed "nvidia.com/mig-$MIG_PROFILE.slices.gi=1" "nvidia.com/mig-$MIG_PROFILE.slices.ci=1"
      ;;
    time-sliced) labels_of gpu "$card-SHARED" 1 "$RIG_GPUS" time-slicing ;;
  esac
}

# labels_of RESOURCE PRODUCT COUNT REPLICAS STRATEGY
labels_of() {
  echo "nvidia.com/$1.product=$2" "nvidia.com/$1.count=$3" "nvidia.com/$1.replicas=$4" "nvidia.com/$1.sharing-strategy=$5"
}
