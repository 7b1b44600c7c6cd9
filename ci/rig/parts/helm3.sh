build() { go_install "$1/helm3" "helm.sh/helm/v3/cmd/helm@v$HELM3_VERSION" "-X helm.sh/helm/v3/internal/version.version=v$HELM3_VERSION"; }
