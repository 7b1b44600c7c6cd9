# The rig's own processes. Each daemon carries GPUHPA_RIG_DAEMON=$STATE in its
# environment, and so does all that it starts on the host. So they can be told
# from other processes even when a crash came before their pids were written,
# and a pid that has been used again is never taken for ours.

# alive PID: and not a zombie, which `kill -0` still answers for.
alive() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
  [[ ${stat##*) } != Z* ]]
}

# ours PID NAME=VALUE: does it carry that mark?
ours() { grep -qzxF -- "$2" "/proc/$1/environ" 2>/dev/null; }

# carrying NAME=VALUE: the pids of all processes with that mark.
carrying() {
  local file
  for file in $(grep -lzxF -- "$1" /proc/[0-9]*/environ 2>/dev/null); do
    file=${file#/proc/}
    echo "${file%/environ}"
  done
}

# start NAME COMMAND...: a daemon in the rig's network namespace, unless it runs.
start() {
  local name=$1
  shift
  pid_of "$name" >/dev/null && return
  (
    exec 9>&- # the lock is not for daemons
    unset GPUHPA_RIG_UP
    cd /
    exec env GPUHPA_RIG_DAEMON="$STATE" setsid nsenter --net="$NETNS" "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null
  ) &
  echo $! >"$STATE/pids/$name"
}

# pid_of NAME: of a daemon that runs.
pid_of() {
  local pid
  pid=$(cat "$STATE/pids/$1" 2>/dev/null) && alive "$pid" && ours "$pid" "GPUHPA_RIG_DAEMON=$STATE" && echo "$pid"
}

# stop NAME [SECONDS]: asked first, then made to.
stop() {
  local pid
  pid=$(pid_of "$1") || { rm -f "$STATE/pids/$1"; return 0; }
  kill "$pid" 2>/dev/null || true
  within "${2:-5}" gone "$pid" || kill -9 "$pid" 2>/dev/null || true
  within 5 gone "$pid" || warn "$1 (process $pid) does not end"
  rm -f "$STATE/pids/$1"
}

gone() { ! alive "$1"; }

# within SECONDS COMMAND...: tries it ten times a second until it succeeds.
within() {
  local tries=$((10#$1 * 10))
  shift
  while ! "$@"; do
    [ $((tries--)) -gt 0 ] || return 1
    sleep 0.1
  done
}

# awaiting WHAT SECONDS COMMAND...: or gives up and says what for.
awaiting() {
  local what=$1 seconds=$2
  shift 2
  within "$seconds" "$@" || die "$what: not within $seconds s (logs in $STATE/log)"
}

DAEMONS=(etcd kube-apiserver kube-controller-manager kube-scheduler containerd kubelet kube-proxy registry cloud)

# rig_whole: all daemons run.
rig_whole() {
  local name
  for name in "${DAEMONS[@]}"; do pid_of "$name" >/dev/null || return 1; done
}
