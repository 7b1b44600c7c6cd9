# Cgroups (version 1) of its own for a node or a rig. Needs no other file of lib.

cgroup_mounts() { awk '$3 == "cgroup" { print $2 }' /proc/mounts; }

# join_cgroup NAME: makes a cgroup below the root of each controller, and moves this process there.
join_cgroup() {
  local place
  for place in $(cgroup_mounts); do
    mkdir -p "$place/$1"
    # A new cpuset is empty, and takes no process.
    if [ -e "$place/$1/cpuset.cpus" ]; then
      cat "$place/cpuset.cpus" >"$place/$1/cpuset.cpus"
      cat "$place/cpuset.mems" >"$place/$1/cpuset.mems"
    fi
    echo "$BASHPID" >"$place/$1/cgroup.procs"
  done
}

# mount_own_cgroups: in a cgroup namespace of its own. Mounted again, the cgroup's own folder is the root, as on any machine.
mount_own_cgroups() {
  local place options type
  awk '$3 == "cgroup" { print $2, $4 }' /proc/mounts | while read -r place options; do
    type=$(tr , '\n' <<<"$options" | grep -vE '^(rw|ro|nosuid|nodev|noexec|relatime|xattr|release_agent=.*)$' | paste -sd,)
    [[ $type != name=* ]] || type=none,$type
    umount "$place"
    mount -t cgroup -o "$type" cgroup "$place"
  done
}
