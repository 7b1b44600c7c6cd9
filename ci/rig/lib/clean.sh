# Takes away all that `up` made, from whatever state it is in. There is only
# this one way, the way after a crash: nothing is asked, everything is ended.
# The cluster is not worth more, and a way that is always taken always works.

clean() {
  within 30 processes_ended || warn "processes do not end: $(rig_processes | tr '\n' ' ')"
  unmount_all
  network_down
  within 10 cgroups_removed || warn "cgroups are left: $(rig_cgroups | tr '\n' ' ')"
  restore_outside
  rm -rf --one-file-system "$STATE"
}

# rig_processes: the daemons with what they started on the machine, by their
# mark, and what runs in containers, by its cgroup.
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
  # The latest first, since it may lie on an earlier one.
  awk -v state="$STATE/" 'index($5, state) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r place; do
    umount "$place" 2>/dev/null || umount -l "$place" || warn "$place stays mounted"
  done
}
