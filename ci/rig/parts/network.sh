# Debian's ip, iptables and conntrack with their libraries, unpacked and not installed: for a machine that has none of its own and
# no access to a Debian archive.
needs="apt-get"
build() {
  local name target
  unpack_debs "$1/root" $NETWORK_UNPACKED || return
  mkdir "$1/bin" || return
  # The file's name tells xtables-nft-multi what to do; Debian's own links to it are alternatives, which dpkg makes.
  for name in ip conntrack iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    case $name in
      iptables | ip6tables) target=$name-nft ;;
      *tables-*) target=${name/tables-/tables-nft-} ;;
      *) target=$name ;;
    esac
    cat >"$1/bin/$name" <<'SH' || return
#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")/root
for folder in "$root/usr/sbin" "$root/usr/bin" "$root/sbin" "$root/bin"; do
  # Debian's /sbin/ip is a link to /bin/ip, which is none of this package here.
  if [ "$(readlink "$folder/@TARGET@" | cut -c1)" = / ] || [ ! -e "$folder/@TARGET@" ]; then continue; fi
  libraries=$root/usr/lib/x86_64-linux-gnu
  LD_LIBRARY_PATH=$libraries:$root/lib/x86_64-linux-gnu XTABLES_LIBDIR=$libraries/xtables exec "$folder/@TARGET@" "$@"
done
echo "$0: @TARGET@ is missing below $root" >&2
exit 127
SH
    sed -i "s|@TARGET@|$target|g" "$1/bin/$name" && chmod +x "$1/bin/$name" && "$1/bin/$name" -V || return
  done
}
