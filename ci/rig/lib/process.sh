# The rig's own processes. Each daemon has GPUHPA_RIG_DAEMON=$STATE in its
# environment, and so have its children on the host. This mark identifies them
# even after a crash that prevented the pid file, and a reused pid is never
# mistaken for a process of the rig.

# alive PID: the process exists and is no zombie (`kill -0` succeeds for a zombie).
alive() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
  [[ ${stat##*) } != Z* ]]
}

# ours PID NAME=VALUE: succeeds if the process has that mark.
ours() { grep -qzxF -- "$2" "/proc/$1/environ" 2>/dev/null; }

# carrying NAME=VALUE: the pids of all processes with that mark.
carrying() {
  local file
  # shellcheck disable=SC2013 # these paths have no spaces
  for file in $(grep -lzxF -- "$1" /proc/[0-9]*/environ 2>/dev/null); do
    file=${file#/proc/}
    echo "${file%/environ}"
  done
}

# start NAME COMMAND...: starts a daemon in the rig's network namespace, unless it runs.
start() {
  local name=$1
  shift
  pid_of "$name" >/dev/null && return
  (
    exec 9>&- # daemons must not hold the lock
    unset GPUHPA_RIG_UP
    cd /
    exec env GPUHPA_RIG_DAEMON="$STATE" setsid nsenter --net="$NETNS" "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null
  ) &
  echo $! >"$STATE/pids/$name"
}

# pid_of NAME: the pid of a running daemon.
pid_of() {
  local pid
  pid=$(cat "$STATE/pids/$1" 2>/dev/null) && alive "$pid" && ours "$pid" "GPUHPA_RIG_DAEMON=$STATE" && echo "$pid"
}

# stop NAME [SECONDS]: sends SIGTERM, then SIGKILL.
stop() {
  local pid
  pid=$(pid_of "$1") || { rm -f "$STATE/pids/$1"; return 0; }
  kill "$pid" 2>/dev/null || true
  within "${2:-5}" gone "$pid" || kill -9 "$pid" 2>/dev/null || true
  within 5 gone "$pid" || warn "$1 (process $pid) does not end"
  rm -f "$STATE/pids/$1"
}

gone() { ! alive "$1"; }

# within SECONDS COMMAND...: runs the command ten times a second until it succeeds.
within() {
  local tries=$((10#$1 * 10))
  shift
  while ! "$@"; do
    [ $((tries--)) -gt 0 ] || return 1
    sleep 0.1
  done
}

# awaiting WHAT SECONDS COMMAND...: waits for the command to succeed; on timeout prints WHAT and exits.
awaiting() {
  local what=$1 seconds=$2
  shift 2
  within "$seconds" "$@" || die "$what: not within $seconds s (logs in $STATE/log)"
}

# daemons: the names of all that are to run.
daemons() {
  echo etcd kube-apiserver kube-controller-manager kube-scheduler containerd kubelet kube-proxy registry cloud
  if has_second_node; then echo node-2 containerd-2 kubelet-2 kube-proxy-2; fi
}

# rig_whole: succeeds if all daemons run.
rig_whole() {
  local name
  for name in $(daemons); do pid_of "$name" >/dev/null || return 1; done
}
