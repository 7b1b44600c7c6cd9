# Packs the parts for a machine that cannot build or fetch them. A part that only that machine can build, for example with the
# compiler of its accelerator, is replaced by the parts that it uses.

# pack FOLDER: one archive for each part, one of the sources, and the script that unpacks all of them. Archives of an earlier pack
# that are not needed any more are removed; those of unchanged parts stay.
pack() {
  local folder name keep=" source.tar.xz unpack "
  mkdir -p "$1"
  folder=$(realpath "$1")
  lock_cache
  PACKED=""
  for name in $(wanted_parts); do collect "$name"; done
  exec 8>&- # a part does not change any more
  for name in $PACKED; do
    name=$(basename "$(part "$name")")
    keep+="$name.tar.xz "
    [ -e "$folder/$name.tar.xz" ] || archive "$folder/$name.tar.xz" -C "$CACHE/parts" "$name"
  done
  pack_sources "$folder"
  for name in "$folder"/*; do [[ $keep == *" ${name##*/} "* ]] || rm -r "$name"; done
  say "packed $(du -sm "$folder" | cut -f1) MiB into $folder"
}

# collect NAME: makes the part and adds it to PACKED; where this machine cannot build it, what it uses.
collect() {
  local name
  [[ " $PACKED " != *" $1 "* ]] || return 0
  if [ ! -d "$(part "$1")" ] && ! buildable "$1"; then
    for name in $(uses_of "$1"); do collect "$name"; done
    return 0
  fi
  make_part "$1"
  PACKED+=" $1"
}

# buildable NAME: this machine has what the part and all parts that it uses need.
buildable() {
  local name
  for name in $(needs_of "$1"); do has "$name" || return 1; done
  for name in $(uses_of "$1"); do [ -d "$(part "$name")" ] || buildable "$name" || return 1; done
}

# The rig with its charts and scenarios, and gpuhpa where GPUHPA names one.
pack_sources() {
  local top=$1/tree
  rm -rf "$top"
  mkdir -p "$top/rig" "$top/bin"
  (cd "$RIG/../.." && git ls-files -z ci/rig fixtures/charts scenarios | xargs -0 cp --parents -t "$top/rig")
  if [ -n "${GPUHPA:-}" ]; then cp "$GPUHPA" "$top/bin/gpuhpa"; fi
  archive "$1/source.tar.xz" -C "$top" rig bin
  rm -r "$top"
  cp "$RIG/lib/unpack" "$1/unpack"
}

# archive FILE TAR_ARGUMENT...: the same content gives the same archive.
archive() {
  local file=$1
  shift
  say "packing ${file##*/}"
  tar --sort=name --owner=0 --group=0 --numeric-owner -c "$@" | xz "-${RIG_PACK_LEVEL:-6}" -T0 >"$file.new"
  mv "$file.new" "$file"
}
