# Kubernetes always changes a few things outside of the state directory: kernel
# settings, and folders at fixed paths. `up` records them, and `down` restores
# them.
SYSCTLS="vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes"
FOLDERS="/var/lib/kubelet /var/lib/cni /var/log/containers /var/log/pods /run/containerd /opt/containerd /opt/cni /etc/cni /etc/kubernetes /usr/libexec/kubernetes /run/netns"

remember_outside() {
  local key folder others
  # Another rig of this machine (ci/rig/apart) has changed the settings already, and knows what they were.
  others=$(cat /var/lib/gpuhpa-rig/sysctls /var/tmp/gpuhpa-rig-*/sysctls 2>/dev/null || true)
  for key in $SYSCTLS; do
    echo "$key=$(sysctl -n "$key")"
  done >"$STATE/sysctls.new"
  [ -z "$others" ] || echo "$others" >"$STATE/sysctls.new"
  for folder in $FOLDERS; do
    if [ ! -e "$folder" ]; then
      echo "$folder"
    elif [ -z "$(ls -A "$folder")" ]; then
      # Its content is all the rig's, as that of an absent one; the folder stays.
      echo "$folder/*"
    fi
  done >"$STATE/absent.new"
  # Renamed when complete, so an existing file is complete.
  mv "$STATE/sysctls.new" "$STATE/sysctls"
  mv "$STATE/absent.new" "$STATE/absent"
}

restore_outside() {
  local folder
  [ -f "$STATE/sysctls" ] && sysctl -q -p "$STATE/sysctls"
  [ -f "$STATE/absent" ] || return 0
  while read -r folder; do
    # Nothing of the rig is mounted there any more, so a mount belongs to something else.
    if grep -q " ${folder%/\*}/" /proc/mounts; then continue; fi
    case $folder in
      */\*) [ ! -d "${folder%/\*}" ] || find "${folder%/\*}" -xdev -mindepth 1 -delete ;;
      *) rm -rf --one-file-system "$folder" ;;
    esac
  done <"$STATE/absent"
}
