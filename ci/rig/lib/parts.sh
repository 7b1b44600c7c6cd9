# The built parts. Each is a directory in the cache, named by a hash of
# everything that it is made from. A part is built under another name and then
# renamed, so an existing part is complete: clones can share the cache, and an
# interrupted build leaves no broken part.
#
# A recipe is parts/NAME.sh with
#   inputs="FILE..."  the files below ci/rig that it reads, besides pins.env
#   uses="PART..."    the parts that it uses
#   build OUT         builds the part in the directory OUT
# `keda` takes 8 to 15 minutes to build; only RIG_KEDA=1 adds it.
PARTS=(debian kubernetes etcd victoria-metrics coredns prometheus-adapter ollama helm4 helm3 standin faults model images)

# hash_of NAME: the hash of the recipe, the pins that it names, its inputs and its parts.
hash_of() (
  inputs="" uses=""
  . "$RIG/parts/$1.sh"
  {
    echo "$GO_TOOLCHAIN"
    cat "$RIG/parts/$1.sh"
    # shellcheck disable=SC2013 # a pin is one word
    for pin in $(grep -o '\$[A-Z0-9_]*_\(VERSION\|UNPACKED\)' "$RIG/parts/$1.sh" | sort -u); do
      pin=${pin#\$}
      echo "$pin=${!pin}"
    done
    cd "$RIG" || exit
    for input in $inputs; do find "$input" -type f | sort; done | while read -r file; do sha256sum "$file"; done
    for part in $uses; do hash_of "$part"; done
  } | sha256sum | cut -c1-16
)

# part NAME: the path of the part, built or not.
part() { echo "$CACHE/parts/$1-$(hash_of "$1")"; }

# make_parts: builds all missing parts. Another clone may build the same ones.
make_parts() {
  local name
  mkdir -p "$CACHE/log" "$CACHE/parts"
  exec 8>"$CACHE/lock"
  flock -n 8 || { say "waiting for another build"; flock 8; }
  export GOFLAGS="-buildvcs=false -trimpath" GOTOOLCHAIN=$GO_TOOLCHAIN GOWORK=off CGO_ENABLED=0
  install_tools
  for name in "${PARTS[@]}"; do make_part "$name"; done
  if [ "${RIG_KEDA:-0}" = 1 ]; then make_part keda; fi
  exec 8>&-
}

make_part() {
  local dir started=$SECONDS
  dir=$(part "$1")
  [ ! -d "$dir" ] || return 0
  command -v go >/dev/null || die "it needs Go 1.21 or newer, to build with"
  say "building $1"
  rm -rf "$dir.new"
  mkdir -p "$dir.new"
  # set -e has no effect here, so recipes use `|| return` and `&&`.
  if ! (
    . "$RIG/parts/$1.sh"
    cd "$RIG" || exit
    build "$dir.new"
  ) >"$CACHE/log/$1.log" 2>&1; then
    tail -n 30 "$CACHE/log/$1.log" >&2
    die "building $1 failed; the whole log is $CACHE/log/$1.log"
  fi
  mv -T "$dir.new" "$dir"
  say "built $1 in $((SECONDS - started)) s"
}

# install_tools: installs the Debian packages that the rig uses on the machine itself.
install_tools() {
  local missing=() spec name found
  for spec in $DEBIAN_TOOLS; do
    name=${spec%%=*}
    found=$(dpkg-query -W -f '${db:Status-Status}=${Version}' "$name" 2>/dev/null) || found=none
    # shellcheck disable=SC2053 # the version is a pattern
    [[ $found == installed=* && ($spec == "$name" || ${found#installed=} == ${spec#"$name="}) ]] || missing+=("$spec")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  # Without the mark of `up`: `down` would kill apt half way.
  local apt=(env -u GPUHPA_RIG_UP DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  if ! {
    "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
  } >"$CACHE/log/apt.log" 2>&1 </dev/null; then
    tail -n 20 "$CACHE/log/apt.log" >&2
    die "apt-get failed; the whole log is $CACHE/log/apt.log"
  fi
}

# For recipes. pinned FILE MODULE VERSION: a go.mod must require what the pins say.
pinned() {
  grep -Eq "^(require )?[[:space:]]*$2 v$3( |\$)" "$RIG/$1" ||
    { echo "$1 does not require $2 v$3, which pins.env asks for: run ci/rig/modules/repin" >&2; return 1; }
}

# go_build MODULE_DIR OUT PACKAGE [LDFLAGS]
go_build() { (cd "$RIG/$1" && go build -mod=readonly -ldflags "-s -w ${4:-}" -o "$2" "$3"); }

# go_install OUT PACKAGE@VERSION [LDFLAGS]: writes the binary of the package to OUT.
go_install() {
  local bin=$1.bin
  GOBIN=$bin go install -ldflags "-s -w ${3:-}" "$2" && mv "$bin"/* "$1" && rmdir "$bin"
}
