# KEDA's operator and metrics server in one image, and the CustomResourceDefinitions, rights and Services of its own config.
# Only what needs KEDA builds it (ci/rig/keda).
inputs="modules/keda images/image.py"
build() {
  local package=github.com/kedacore/keda/v2 stamp source
  stamp="-X $package/version.Version=$KEDA_VERSION"
  pinned modules/keda/go.mod "$package" "$KEDA_VERSION" &&
    go_build modules/keda "$1/keda" "$package/cmd/operator" "$stamp" &&
    go_build modules/keda "$1/keda-adapter" "$package/cmd/adapter" "$stamp" || return
  source=$(cd modules/keda && go list -mod=readonly -m -f '{{.Dir}}' "$package")/config || return
  mkdir "$1/crds" "$1/rights" &&
    install -m 644 "$source"/crd/bases/*.yaml "$1/crds" &&
    install -m 644 "$source"/rbac/role{,_binding}.yaml "$1/rights" || return
  for file in role role_binding service api_service; do
    install -m 644 "$source/metrics-server/$file.yaml" "$1/rights/metrics-server-$file.yaml" || return
  done
  install -m 644 "$source/manager/service.yaml" "$1/rights/operator-service.yaml" &&
    /usr/bin/python3 images/image.py "$1/image.tar" "rig.local/keda:$KEDA_VERSION" /keda \
      --file "$1/keda=/keda" --file "$1/keda-adapter=/keda-adapter" &&
    # The image holds them.
    rm "$1/keda" "$1/keda-adapter"
}
