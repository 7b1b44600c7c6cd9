inputs=modules/etcd
build() {
  pinned modules/etcd/go.mod go.etcd.io/etcd/server/v3 "$ETCD_VERSION" &&
    go_build modules/etcd "$1/etcd" .
}
