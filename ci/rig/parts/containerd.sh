# containerd of a version that knows CDI, by which a DRA driver gives device files to containers; with its shim and ctr. Only
# accelerators with device files need it.
inputs="modules/containerd"
build() {
  local package=github.com/containerd/containerd program
  pinned modules/containerd/go.mod "$package" "$CONTAINERD_VERSION" || return
  export GOFLAGS="$GOFLAGS -tags=no_btrfs,no_aufs,no_zfs,no_devmapper"
  for program in containerd containerd-shim-runc-v2 ctr; do
    go_build modules/containerd "$1/$program" "$package/cmd/$program" "-X $package/version.Version=v$CONTAINERD_VERSION" || return
  done
}
