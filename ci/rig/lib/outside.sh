# Kubernetes always changes a few things outside of the state directory: kernel
# settings, and folders at fixed paths. `up` records them, and `down` restores
# them.
SYSCTLS="vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes"
FOLDERS="/var/lib/kubelet /var/lib/cni /var/log/containers /var/log/pods /run/containerd /opt/containerd /opt/cni /etc/cni /etc/kubernetes /usr/libexec/kubernetes /run/netns"

remember_outside() {
  local key folder other
  # Another rig of this machine (ci/rig/apart) has changed the settings already, and knows what they were.
  other=$(find /var/lib/gpuhpa-rig*/sysctls -print -quit 2>/dev/null || true)
  for key in $SYSCTLS; do
    echo "$key=$(sysctl -n "$key")"
  done >"$STATE/sysctls.new"
  [ -z "$other" ] || cp "$other" "$STATE/sysctls.new"
  for folder in $FOLDERS; do
    if [ ! -e "$folder" ]; then echo "absent $folder"; elif [ -z "$(ls -A "$folder")" ]; then echo "empty $folder"; fi
  done >"$STATE/folders.new"
  # Renamed when complete, so an existing file is complete.
  mv "$STATE/sysctls.new" "$STATE/sysctls"
  mv "$STATE/folders.new" "$STATE/folders"
}

restore_outside() {
  local was folder
  [ -f "$STATE/sysctls" ] && sysctl -q -p "$STATE/sysctls"
  [ -f "$STATE/folders" ] || return 0
  while read -r was folder; do
    # Nothing of the rig is mounted there any more, so a mount belongs to something else.
    if [ ! -e "$folder" ] || grep -q " $folder/" /proc/mounts; then continue; fi
    find "$folder" -xdev -mindepth 1 -delete
    [ "$was" = empty ] || rmdir "$folder"
  done <"$STATE/folders"
}
