# Cgroups (version 1) of its own for a node or a rig. Needs no other file of lib.

# cgroup_mounts: one for each controller; some machines have version 2 beside them, without controllers.
cgroup_mounts() { awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts; }

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
  local place version options controllers
  awk '$3 ~ /^cgroup2?$/ { print $2, $3, $4 }' /proc/mounts | while read -r place version options; do
    umount "$place"
    if [ "$version" = cgroup2 ]; then
      mount -t cgroup2 cgroup2 "$place"
      continue
    fi
    controllers=$(tr , '\n' <<<"$options" | grep -vE '^(rw|ro|nosuid|nodev|noexec|relatime|xattr|release_agent=.*)$' | paste -sd,)
    [[ $controllers != name=* ]] || controllers=none,$controllers
    mount -t cgroup -o "$controllers" cgroup "$place"
  done
}
