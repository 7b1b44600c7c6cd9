# Removes everything that `up` made, in any state. A normal stop uses the same
# code as a crash: it asks no daemon and kills everything. The cluster holds
# nothing of value, and code that runs every time is known to work.

clean() {
  within 30 processes_ended || warn "processes do not end: $(rig_processes | tr '\n' ' ')"
  unmount_all
  on_second_node network_down
  network_down
  within 10 cgroups_removed || warn "cgroups are left: $(rig_cgroups | tr '\n' ' ')"
  restore_outside
  rm -rf --one-file-system "$STATE"
}

# rig_processes: the daemons and their children on the machine, found by their
# mark, and the processes in containers, found by their cgroup.
rig_processes() {
  {
    carrying "GPUHPA_RIG_DAEMON=$STATE"
    rig_cgroups | processes_of_cgroups
  } | living
}

# processes_of_cgroups: the processes in the cgroups whose folders it reads.
processes_of_cgroups() { while read -r folder; do cat "$folder/cgroup.procs" 2>/dev/null || true; done; }
living() {
  local pid
  sort -un | while read -r pid; do ! alive "$pid" || echo "$pid"; done
}

processes_ended() { have_ended "$(rig_processes)"; }

# have_ended PIDS: succeeds if there are none; kills them.
have_ended() {
  [ -n "$1" ] || return 0
  # shellcheck disable=SC2086 # one word a process
  kill -9 $1 2>/dev/null || true
  return 1
}

# rig_cgroups: the deepest first. `up` refuses a machine that has some already.
rig_cgroups() {
  find /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods -depth -type d 2>/dev/null || true
  second_cgroups
}

cgroups_removed() { remove_cgroups rig_cgroups; }

# remove_cgroups FUNCTION: removes what the function lists; fails if some is left.
remove_cgroups() {
  "$1" | while read -r folder; do rmdir "$folder" 2>/dev/null || true; done
  [ -z "$("$1")" ]
}

unmount_all() {
  local place
  # The latest first, since a mount may lie on an earlier one.
  awk -v state="$STATE/" 'index($5, state) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r place; do
    umount "$place" 2>/dev/null || umount -l "$place" || warn "$place stays mounted"
  done
}
