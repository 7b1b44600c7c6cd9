# All Kubernetes programs in one binary, with a link for each name.
inputs=modules/kubernetes
build() {
  local minor=${KUBERNETES_VERSION#1.} name package=k8s.io/component-base/version
  pinned modules/kubernetes/go.mod k8s.io/kubernetes "$KUBERNETES_VERSION" || return
  pinned modules/kubernetes/go.mod k8s.io/component-base "0.$minor" || return
  # Without a stamp the API server calls itself v0.0.0, and every kubeVersion
  # check of a chart fails.
  go_build modules/kubernetes "$1/kubernetes" . "\
    -X $package.gitVersion=v$KUBERNETES_VERSION -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*} \
    -X $package.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=v$KUBERNETES_VERSION" || return
  for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    ln -s kubernetes "$1/$name" || return
  done
}
