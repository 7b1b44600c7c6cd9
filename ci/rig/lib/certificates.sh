# Two certificate authorities (one for the cluster, one for aggregated APIs), a
# certificate for each program, and kubeconfigs. Each `up` makes new ones.
PKI=$STATE/pki

certificates() {
  mkdir -p "$PKI"
  authority ca kubernetes-ca
  authority front-proxy-ca front-proxy-ca
  certificate apiserver ca /CN=kube-apiserver serverAuth \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:$API_SERVICE_IP,IP:$NODE_IP"
  certificate apiserver-kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  certificate front-proxy-client front-proxy-ca /CN=front-proxy-client clientAuth
  certificate admin ca /O=system:masters/CN=admin clientAuth
  certificate kube-controller-manager ca /CN=system:kube-controller-manager clientAuth
  certificate kube-scheduler ca /CN=system:kube-scheduler clientAuth
  certificate kube-proxy ca /CN=system:kube-proxy clientAuth
  openssl genrsa -out "$PKI/service-accounts.key" 2048 2>/dev/null
  openssl rsa -in "$PKI/service-accounts.key" -pubout -out "$PKI/service-accounts.pub" 2>/dev/null
  local user
  for user in admin kube-controller-manager kube-scheduler kube-proxy; do kubeconfig "$user"; done
  node_certificates
}

authority() { # NAME COMMON_NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$2" \
    -keyout "$PKI/$1.key" -out "$PKI/$1.crt" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature 2>/dev/null
}

certificate() { # NAME AUTHORITY SUBJECT USE [ALTERNATIVE_NAMES]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$3" -keyout "$PKI/$1.key" 2>/dev/null |
    openssl x509 -req -CA "$PKI/$2.crt" -CAkey "$PKI/$2.key" -set_serial "0x$(openssl rand -hex 8)" -days 3650 \
      -extfile <(
        echo basicConstraints=CA:FALSE
        echo keyUsage=digitalSignature
        echo "extendedKeyUsage=$4"
        [ -z "${5:-}" ] || echo "subjectAltName=$5"
      ) -out "$PKI/$1.crt" 2>/dev/null
}

kubeconfig() { # USER
  cat >"$STATE/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: gpuhpa-rig
  cluster:
    server: https://$API_IP:6443
    certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$PKI/$1.crt")
    client-key-data: $(base64 -w0 "$PKI/$1.key")
contexts:
- name: gpuhpa-rig
  context: {cluster: gpuhpa-rig, user: $1}
current-context: gpuhpa-rig
YAML
}
