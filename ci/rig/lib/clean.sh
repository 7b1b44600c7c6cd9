# Removes everything that `up` made, in any state. A normal stop uses the same
# code as a crash: it asks no daemon and kills everything. The cluster holds
# nothing of value, and code that runs every time is known to work.

clean() {
  within 30 processes_ended || warn "processes do not end: $(rig_processes | tr '\n' ' ')"
  unmount_all
  network_down
  within 10 cgroups_removed || warn "cgroups are left: $(rig_cgroups | tr '\n' ' ')"
  restore_outside
  rm -rf --one-file-system "$STATE"
}

# rig_processes: the daemons and their children on the machine, found by their
# mark, and the processes in containers, found by their cgroup.
rig_processes() {
  local pid
  {
    carrying "GPUHPA_RIG_DAEMON=$STATE"
    rig_cgroups | while read -r folder; do cat "$folder/cgroup.procs" 2>/dev/null || true; done
  } | sort -un | while read -r pid; do ! alive "$pid" || echo "$pid"; done
}

processes_ended() {
  local pids
  pids=$(rig_processes)
  [ -n "$pids" ] || return 0
  # shellcheck disable=SC2086 # one word a process
  kill -9 $pids 2>/dev/null || true
  return 1
}

# rig_cgroups: the deepest first. `up` refuses a machine that has some already.
rig_cgroups() { find /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods -depth -type d 2>/dev/null || true; }

cgroups_removed() {
  rig_cgroups | while read -r folder; do rmdir "$folder" 2>/dev/null || true; done
  [ -z "$(rig_cgroups)" ]
}

unmount_all() {
  local place
  # The latest first, since a mount may lie on an earlier one.
  awk -v state="$STATE/" 'index($5, state) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r place; do
    umount "$place" 2>/dev/null || umount -l "$place" || warn "$place stays mounted"
  done
}
