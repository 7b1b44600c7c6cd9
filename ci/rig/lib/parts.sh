# The built parts. Each is a directory in the cache, named by a hash of
# everything that it is made from. A part is built under another name and then
# renamed, so an existing part is complete: clones can share the cache, and an
# interrupted build leaves no broken part.
#
# A recipe is parts/NAME.sh, or parts/NAME.sh in the folder of an accelerator, with
#   inputs="FILE..."  the files below ci/rig that it reads, besides pins.env
#   uses="PART..."    the parts that it uses, which are made only when this one is missing
#   needs="TOOL..."   what the machine must have to build it: commands or files; by default Go
#   build OUT         builds the part in the directory OUT
# `keda` takes 8 to 15 minutes to build; only RIG_KEDA=1 adds it, and only RIG_ALLOCATION=dra adds `dra`. `up` needs these, and those
# of the accelerator (ACCELERATOR_PARTS).
PARTS="debian network kubernetes etcd helm4 helm3 faults images"

# recipe NAME: the file of the part's recipe.
recipe() {
  local file
  for file in "$RIG/parts/$1.sh" "$RIG/accelerator/${RIG_ACCELERATOR:-standin}/parts/$1.sh"; do
    if [ -e "$file" ]; then echo "$file"; return; fi
  done
  die "there is no recipe of a part '$1'"
}

# hash_of NAME: the hash of the recipe, the pins that it names, its inputs and its parts.
hash_of() (
  inputs="" uses="" recipe=$(recipe "$1")
  . "$recipe"
  {
    echo "$GO_TOOLCHAIN"
    cat "$recipe"
    # shellcheck disable=SC2013 # a pin is one word
    for pin in $(grep -o '\$[A-Z0-9_]*_\(VERSION\|UNPACKED\)' "$recipe" | sort -u); do
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

# uses_of NAME, needs_of NAME: what its recipe states.
uses_of() (uses=""; . "$(recipe "$1")"; echo "$uses")
needs_of() (needs=go; . "$(recipe "$1")"; echo "$needs")

# wanted_parts: all that `up` needs with these settings.
wanted_parts() {
  echo "$PARTS $ACCELERATOR_PARTS"
  if [ "${RIG_KEDA:-0}" = 1 ]; then echo keda; fi
  if [ "${RIG_ALLOCATION:-}" = dra ]; then echo dra; fi
}

# make_parts [NAME...]: builds the missing ones of these parts, or of all that `up` needs. Another clone may build the same ones.
make_parts() {
  local name
  lock_cache
  if [ $# = 0 ]; then set -- $(wanted_parts); fi
  install_tools "$DEBIAN_TOOLS"
  for name in "$@"; do make_part "$name"; done
  exec 8>&-
}

# lock_cache: no other clone builds until this process closes descriptor 8.
lock_cache() {
  mkdir -p "$CACHE/log" "$CACHE/parts"
  exec 8>"$CACHE/lock"
  flock -n 8 || { say "waiting for another build"; flock 8; }
}

make_part() {
  local dir started=$SECONDS name needs
  dir=$(part "$1") needs=$(needs_of "$1")
  [ ! -d "$dir" ] || return 0
  for name in $(uses_of "$1"); do make_part "$name"; done
  if [[ " $needs " == *" go "* || " $needs " == *" gcc "* ]]; then install_tools "$DEBIAN_BUILD_TOOLS"; fi
  for name in $needs; do has "$name" || die "building $1 needs $name, which this machine has not"; done
  say "building $1"
  rm -rf "$dir.new"
  mkdir -p "$dir.new"
  # set -e has no effect here, so recipes use `|| return` and `&&`.
  if ! (
    export GOFLAGS="-buildvcs=false -trimpath" GOTOOLCHAIN=$GO_TOOLCHAIN GOWORK=off CGO_ENABLED=0
    . "$(recipe "$1")"
    cd "$RIG" || exit
    build "$dir.new"
  ) >"$CACHE/log/$1.log" 2>&1; then
    tail -n 30 "$CACHE/log/$1.log" >&2
    die "building $1 failed; the whole log is $CACHE/log/$1.log"
  fi
  mv -T "$dir.new" "$dir"
  say "built $1 in $((SECONDS - started)) s"
}

# has TOOL: the machine has this command, or this file.
has() { command -v "$1" >/dev/null || [ -e "$1" ]; }

# install_tools "TOOL:PACKAGE..." (pins.env): installs the Debian packages of the tools that the machine lacks.
install_tools() {
  local missing=() entry
  for entry in $1; do has "${entry%%:*}" || missing+=("${entry#*:}"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  # Without the mark of `up`: `down` would kill apt half way.
  local apt=(env -u GPUHPA_RIG_UP DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  if ! {
    "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
  } >"$CACHE/log/apt.log" 2>&1 </dev/null; then
    tail -n 20 "$CACHE/log/apt.log" >&2
    die "this machine lacks ${missing[*]}, and apt-get failed; the whole log is $CACHE/log/apt.log"
  fi
}

# For recipes. pinned FILE MODULE VERSION: a go.mod must require what the pins say.
pinned() {
  grep -Eq "^(require )?[[:space:]]*$2 v$3( |\$)" "$RIG/$1" ||
    { echo "$1 does not require $2 v$3, which pins.env asks for: run ci/rig/modules/repin" >&2; return 1; }
}

# go_build MODULE_DIR OUT PACKAGE [LDFLAGS]
go_build() { (cd "$RIG" && cd "$1" && go build -mod=readonly -ldflags "-s -w ${4:-}" -o "$2" "$3"); }

# go_install OUT PACKAGE@VERSION [LDFLAGS]: writes the binary of the package to OUT.
go_install() {
  local bin=$1.bin
  GOBIN=$bin go install -ldflags "-s -w ${3:-}" "$2" && mv "$bin"/* "$1" && rmdir "$bin"
}

# unpack_debs OUT PACKAGE...: downloads Debian packages and unpacks them into OUT.
unpack_debs() {
  local out=$1 deb
  shift
  mkdir -p "$out/debs" && cd "$out/debs" || return
  apt-get update || return
  # As root: apt's own user cannot write here.
  apt-get -o APT::Sandbox::User=root download "$@" || return
  for deb in *.deb; do dpkg-deb -x "$deb" "$out" || return; done
  cd / && rm -r "$out/debs"
}

# image OUT NAME:TAG ARGUMENT...: writes OUT/NAME.tar, the image rig.local/NAME:TAG (images/image.py says which arguments).
image() {
  local out=$1 name=$2
  shift 2
  /usr/bin/python3 "$RIG/images/image.py" "$out/${name%:*}.tar" "rig.local/$name" "$@"
}

# ollama_image OUT NAME:TAG ENTRYPOINT ARGUMENT...: an image of Ollama with what its chart's postStart hook needs: a shell with the
# usual tools.
ollama_image() {
  local applet out=$1 name=$2 entrypoint=$3
  shift 3
  for applet in sh cat sleep echo ls ps; do set -- "$@" --link "busybox=/bin/$applet"; done
  image "$out" "$name" "$entrypoint" --argument serve "$@" --file "$(part debian)/bin/busybox=/bin/busybox" \
    --env OLLAMA_HOST=0.0.0.0:11434 --env HOME=/root
}
