# Programs of Debian packages, which are unpacked and not installed.
build() {
  local deb
  mkdir "$1/debs" && cd "$1/debs" || return
  apt-get update || return
  # As root: apt's own user cannot write here.
  apt-get -o APT::Sandbox::User=root download $DEBIAN_UNPACKED || return
  for deb in *.deb; do dpkg-deb -x "$deb" "$1" || return; done
  rm -r "$1/debs"
}
