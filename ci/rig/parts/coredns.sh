build() { go_install "$1/coredns" "github.com/coredns/coredns@v$COREDNS_VERSION"; }
