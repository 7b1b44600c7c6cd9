# Programs of Debian packages, which are unpacked and not installed.
needs="apt-get"
build() { unpack_debs "$1" $DEBIAN_UNPACKED; }
