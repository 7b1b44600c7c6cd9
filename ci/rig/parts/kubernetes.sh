# All Kubernetes programs in one binary, with a link for each name.
inputs="modules/kubernetes modules/kubernetes-module"
build() {
  local minor=${KUBERNETES_VERSION#1.} module=modules/kubernetes name package=k8s.io/component-base/version
  # The repository has the go.mod of one version. That of another one is written here.
  if ! pinned "$module/go.mod" k8s.io/kubernetes "$KUBERNETES_VERSION"; then
    module=$1.module
    rm -rf "$module" && mkdir "$module" && cp modules/kubernetes/*.go "$module" &&
      modules/kubernetes-module "$module" "$KUBERNETES_VERSION" || return
  fi
  # Without a stamp the API server calls itself v0.0.0, and every kubeVersion
  # check of a chart fails.
  go_build "$module" "$1/kubernetes" . "\
    -X $package.gitVersion=v$KUBERNETES_VERSION -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*} \
    -X $package.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=v$KUBERNETES_VERSION" || return
  rm -rf "$1.module"
  for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    ln -s kubernetes "$1/$name" || return
  done
}
