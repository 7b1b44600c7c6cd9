build() { go_install "$1/helm4" "helm.sh/helm/v4/cmd/helm@v$HELM4_VERSION" "-X helm.sh/helm/v4/internal/version.version=v$HELM4_VERSION"; }
