# Paths and functions that every command needs. RIG is ci/rig.
set -euo pipefail
RIG=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
CACHE=${GPUHPA_RIG_CACHE:-${HOME:-/root}/.cache/gpuhpa-rig}
STATE=${GPUHPA_RIG_STATE:-/var/lib/gpuhpa-rig}
export LC_ALL=C

. "$RIG/pins.env"
. "$RIG/lib/log.sh"
. "$RIG/lib/settings.sh"
. "$RIG/lib/parts.sh"
. "$RIG/lib/process.sh"
. "$RIG/lib/network.sh"
. "$RIG/lib/outside.sh"
. "$RIG/lib/certificates.sh"
. "$RIG/lib/control-plane.sh"
. "$RIG/lib/node.sh"
. "$RIG/lib/second-node.sh"
. "$RIG/lib/registry.sh"
. "$RIG/lib/cluster.sh"
. "$RIG/lib/dra.sh"
. "$RIG/lib/cloud.sh"
. "$RIG/lib/keda.sh"
. "$RIG/lib/admission.sh"
. "$RIG/lib/run.sh"
. "$RIG/lib/clean.sh"

# The machine's own tools come first. Some shells have no sbin.
PATH=$PATH:/usr/sbin:/sbin:$(part network)/bin

# one_at_a_time: no other command changes the rig until this process ends.
# Daemons close descriptor 9, or they would hold the lock.
one_at_a_time() {
  exec 9>/run/gpuhpa-rig.lock
  flock -w 5 9 || die "another up, down, gpus, broken or mend is at work"
}

is_up() { [ -e "$STATE/up" ]; }

# change_rig: for a command that changes a rig that is up.
change_rig() {
  [ "$(id -u)" = 0 ] || die "it needs root"
  one_at_a_time
  is_up || die "the rig is not up: ci/rig/up starts it"
  read_settings
  use_rig
}

# use_rig: the tools and the parts of a rig that is up or starting.
use_rig() {
  DEBIAN=$(part debian) KUBE=$(part kubernetes)
  export KUBECONFIG=$STATE/admin.kubeconfig PATH=$STATE/bin:$PATH
  export KUBECACHEDIR=$STATE/kubectl HELM_CACHE_HOME=$STATE/helm HELM_CONFIG_HOME=$STATE/helm HELM_DATA_HOME=$STATE/helm
}
