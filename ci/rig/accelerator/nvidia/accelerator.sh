# The machine's NVIDIA cards. See README.md. Where the card's driver and nvidia-smi are missing, only `build` works.

ACCELERATOR_PARTS="nvidia-images nvidia-model"
ACCELERATOR_IMAGES="nvidia-images"
# RIG_GPUS decides whether the cards are time-sliced.
ACCELERATOR_ALLOCATIONS="plugin dra"
# The DRA driver gives a container its device files by CDI.
if [ "${RIG_ALLOCATION:-}" = dra ]; then ACCELERATOR_PARTS+=" containerd"; fi
# CUDA's compiler, where its installer puts it.
PATH=$PATH:/usr/local/cuda/bin

accelerator_says() {
  local how="each card of its own" values
  if [ "$(replicas)" -gt 1 ]; then
    case $RIG_ATTRIBUTION in
      pod) values="a pod shows its own share of the card" ;;
      card) values="a pod shows the value of the card" ;;
      rotating) values="one pod at a time shows the value of the card" ;;
      none) values="no pod has a series" ;;
    esac
    how="each card time-sliced into $(replicas); $values"
  fi
  if [ "$RIG_ALLOCATION" = dra ]; then how+="; by claims of $GPU_DRIVER"; fi
  echo "$(query name | paste -sd,), driver $(query driver_version | head -1): $how"
}

# query FIELD: this field of each card that the rig offers, a line for each card.
query() { nvidia-smi --query-gpu="$1" --format=csv,noheader | head -n "$RIG_GPUS"; }

# replicas: the devices that each card is offered as. RIG_GPUS up to the number of cards offers that many cards.
replicas() {
  local cards
  cards=$(query uuid | wc -l)
  [ "$cards" -gt 0 ] || die "nvidia-smi names no card"
  [ $((RIG_GPUS % cards)) = 0 ] || die "$RIG_GPUS devices: it takes a multiple of the $cards cards"
  echo $((RIG_GPUS / cards))
}

accelerator_up() {
  local replicas name
  replicas=$(replicas)
  NVIDIA_REPLICAS=$replicas
  NVIDIA_CARDS=$(cards | paste -sd,)
  NVIDIA_CONTROL=$(ls /dev/nvidiactl /dev/nvidia-uvm /dev/nvidia-uvm-tools 2>/dev/null | paste -sd, || true)
  NVIDIA_LIBRARIES=$(driver_libraries | paste -sd,)
  NVIDIA_ML=$(driver_libraries | sed -n 's/^libnvidia-ml.so.1=//p')
  [ -n "$NVIDIA_ML" ] || die "the driver's libnvidia-ml.so.1 was not found"
  # A fixed place for scenarios, which mount the model.
  ln -sfn "$(part nvidia-model)" "$STATE/models"
  apply "$RIG/accelerator/nvidia/manifests.yaml"
  label_node "$replicas"
}

# accelerator_claims: what the DRA driver offers: each card, or each of its shares, by a name of its own.
accelerator_claims() {
  local card uuid number=0 share
  for card in $(cards); do
    uuid=${card%%=*}
    for share in $(seq 0 $((NVIDIA_REPLICAS - 1))); do
      DRA_DEVICES+="gpu-$number"
      if [ "$NVIDIA_REPLICAS" -gt 1 ]; then DRA_DEVICES+="-share-$share"; fi
      DRA_DEVICES+="=$uuid,"
    done
    number=$((number + 1))
  done
  DRA_FILES=$NVIDIA_CARDS DRA_CONTROL=$NVIDIA_CONTROL DRA_LIBRARIES=$NVIDIA_LIBRARIES DRA_CDI=$STATE/cdi
}

# cards: UUID=/dev/nvidiaN of each card that the rig offers.
cards() {
  local uuid minor number=0
  nvidia-smi -q | sed -n 's/^ *\(GPU UUID\|Minor Number\) *: *//p' | paste -d' ' - - | head -n "$RIG_GPUS" |
    while read -r uuid minor; do
      [[ $minor =~ ^[0-9]+$ ]] || minor=$number
      echo "$uuid=/dev/nvidia$minor"
      number=$((number + 1))
    done
}

# driver_libraries: NAME=PATH of each library of the driver that a program of CUDA loads.
driver_libraries() {
  local folder file
  for file in $(ldconfig -p | sed -n 's/^\tlibcuda\.so\.1 .* => //p') /usr/local/nvidia/lib64/libcuda.so.1 /usr/local/nvidia/lib/libcuda.so.1; do
    if [ -e "$file" ]; then folder=$(dirname "$file"); break; fi
  done
  [ -n "${folder:-}" ] || return 0
  for file in "$folder"/libcuda.so.1 "$folder"/libnvidia-{ml.so.1,ptxjitcompiler.so.1,nvvm*.so.4,gpucomp.so.*}; do
    if [ -e "$file" ]; then echo "${file##*/}=$(readlink -f "$file")"; fi
  done
}

# label_node REPLICAS: as NVIDIA's feature discovery labels a node. It writes spaces as dashes.
label_node() {
  local product strategy=none mig=none
  product=$(query name | head -1 | tr ' ' -)
  if [ "$1" -gt 1 ]; then product+=-SHARED strategy=time-slicing; fi
  if query mig.mode.current | grep -q Enabled; then mig=mixed; fi
  kubectl label node "$NODE" --overwrite nvidia.com/gpu.present=true "nvidia.com/gpu.product=$product" \
    "nvidia.com/gpu.count=$(query uuid | wc -l)" "nvidia.com/gpu.replicas=$1" "nvidia.com/gpu.sharing-strategy=$strategy" \
    "nvidia.com/gpu.memory=$(query memory.total | head -1 | tr -dc 0-9)" "nvidia.com/mig.strategy=$mig" \
    "nvidia.com/cuda.driver-version.full=$(query driver_version | head -1)" >/dev/null
}

accelerator_resource() { echo nvidia.com/gpu; }
accelerator_metric() { echo DCGM_FI_DEV_GPU_UTIL; }
# The exporter reads all cards, also those that the rig does not offer.
accelerator_count() { nvidia-smi --query-gpu=uuid --format=csv,noheader | wc -l; }
