# Settings. `up` reads them from its environment and records them; the later
# commands read this record.
SETTINGS="KUBERNETES_VERSION RIG_ACCELERATOR RIG_NODES RIG_GPUS RIG_ALLOCATION RIG_ATTRIBUTION RIG_GPU_MEMORY RIG_SAMPLE RIG_SCRAPE RIG_STORE_OFFSET RIG_HPA_SYNC RIG_KEDA"

choose_settings() {
  local name
  : "${RIG_ACCELERATOR:=standin}"
  : "${RIG_NODES:=1}"          # 2: a second node
  : "${RIG_GPUS:=4}"           # devices that each node offers
  : "${RIG_ALLOCATION:=plugin}" # how they are offered; ACCELERATOR_ALLOCATIONS lists the ways
  : "${RIG_ATTRIBUTION:=pod}"  # what pods that share a card show: pod, each its own share; card, the card's value; rotating, one of
                               # them the card's value; none, no pod has a series
  : "${RIG_GPU_MEMORY:=1024}"  # MiB of memory that each reports
  : "${RIG_SAMPLE:=1s}"        # the exporter's sampling interval; dcgm-exporter's default is 30s
  : "${RIG_SCRAPE:=1s}"        # the store's scrape interval
  : "${RIG_STORE_OFFSET:=0s}"  # the store's -search.latencyOffset; its default is 30s
  : "${RIG_HPA_SYNC:=5s}"      # the HPA controller's sync period; its default is 15s
  : "${RIG_KEDA:=0}"           # 1: KEDA runs, and serves external.metrics.k8s.io
  [[ $RIG_NODES =~ ^[12]$ ]] || die "RIG_NODES=$RIG_NODES: it takes 1 or 2"
  [[ $RIG_KEDA =~ ^[01]$ ]] || die "RIG_KEDA=$RIG_KEDA: it takes 0 or 1"
  [ -e "$RIG/accelerator/$RIG_ACCELERATOR/accelerator.sh" ] ||
    die "RIG_ACCELERATOR=$RIG_ACCELERATOR: there is no ci/rig/accelerator/$RIG_ACCELERATOR/accelerator.sh"
  [[ $KUBERNETES_VERSION =~ ^1\.[0-9]+\.[0-9]+$ ]] || die "KUBERNETES_VERSION=$KUBERNETES_VERSION: it takes a version like 1.34.4"
  use_accelerator
  check_gpus "$RIG_GPUS"
  check_allocation
  [[ $RIG_GPU_MEMORY =~ ^[1-9][0-9]*$ ]] || die "RIG_GPU_MEMORY=$RIG_GPU_MEMORY: it takes a number of MiB"
  for name in RIG_SAMPLE RIG_SCRAPE RIG_STORE_OFFSET RIG_HPA_SYNC; do
    [[ ${!name} =~ ^[0-9]+(ms|s|m)$ ]] || die "$name=${!name}: it takes a time like 500ms, 30s or 1m"
  done
}

check_gpus() { [[ $1 =~ ^[1-9][0-9]?$ ]] || die "'$1' GPUs: it takes a number from 1 to 99"; }

# check_allocation: the accelerator can be allocated in this way, and the attribution is one that its exporter has.
check_allocation() {
  [[ " $ACCELERATOR_ALLOCATIONS " == *" $RIG_ALLOCATION "* ]] ||
    die "RIG_ALLOCATION=$RIG_ALLOCATION: $RIG_ACCELERATOR takes one of: $ACCELERATOR_ALLOCATIONS"
  [[ $RIG_ATTRIBUTION =~ ^(pod|card|rotating|none)$ ]] ||
    die "RIG_ATTRIBUTION=$RIG_ATTRIBUTION: it takes pod, card, rotating or none"
}

write_settings() {
  local name
  for name in $SETTINGS; do echo "$name=${!name}"; done >"$STATE/settings"
}

# switch_setting NAME OFF VALUE START STOP: in a running rig with another value: calls the function START, or STOP for the value OFF.
switch_setting() {
  [ "${!1}" != "$3" ] || return 0
  if [ "$3" = "$2" ]; then "$5"; fi
  printf -v "$1" %s "$3"
  # Recorded before the start, so that the next call also reverts one that failed half way.
  write_settings
  if [ "$3" != "$2" ]; then "$4"; fi
}

# differing_settings: prints the requested settings that differ from the rig's.
differing_settings() {
  local line name
  while read -r line; do
    name=${line%%=*}
    [ -z "${!name:-}" ] || [ "$name=${!name}" = "$line" ] ||
      warn "$name=${!name} is asked for, but the rig has $line; only down and up change it"
  done <"$STATE/settings"
}

read_settings() {
  # A rig that an older clone started has no such settings.
  RIG_KEDA=0 RIG_NODES=1 RIG_ALLOCATION=plugin
  . "$STATE/settings"
  use_accelerator
}

# use_accelerator: what the folder of RIG_ACCELERATOR defines (accelerator/README.md).
use_accelerator() { . "$RIG/accelerator/$RIG_ACCELERATOR/accelerator.sh"; }
