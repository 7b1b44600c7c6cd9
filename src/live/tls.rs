//! The TLS provider of both clients, kube's and reqwest's.

use std::sync::Once;

/// Makes ring the provider of the process. reqwest is built without a provider of its own, and panics if none is installed.
pub(super) fn install_tls_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error means that the process has a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use rustls::server::WebPkiClientVerifier;
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    use tower::ServiceExt;

    use crate::env::HttpFailure;
    use crate::live::{connect, http::http_client};
    use crate::model::load::ConnectionPolicy;
    use crate::units::HumanDuration;

    // A key and its self-signed certificate for 127.0.0.1, valid until 2119, made for this test.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgh8h24ljsENh7L4H2\n/KcH+Z1xhoAXdumZHexZ5C8CsLyhRANCAASl9Wy34gy62o956sRiKNOq20TnGUvG\nRv4ZF71OOXeIiANyALDGp3WMHeANeH93V2b4NxL2czixNwl0gR35zjU8\n-----END PRIVATE KEY-----\n";
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIBbTCCARSgAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtncHVocGEt\ndGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTE5MTIzMTIzNTk1OVowFjEUMBIGA1UE\nAwwLZ3B1aHBhLXRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASl9Wy34gy6\n2o956sRiKNOq20TnGUvGRv4ZF71OOXeIiANyALDGp3WMHeANeH93V2b4NxL2czix\nNwl0gR35zjU8o1EwTzAPBgNVHREECDAGhwR/AAABMB0GA1UdJQQWMBQGCCsGAQUF\nBwMBBggrBgEFBQcDAjAdBgNVHQ4EFgQU+ogCIlDW2fSzXgwGGBRFQgbahbUwCgYI\nKoZIzj0EAwIDRwAwRAIgeXDHwK+Zj8gloOiLzB3e5BWKrMej8ulR/fNlSDMdFiUC\nIDsugBRjksRCjdHs23Med3QOSekJaSKdjMR9amN2l8WI\n-----END CERTIFICATE-----\n";

    /// Serves one connection over TLS to a client with the certificate, and returns the server's address.
    fn serve_one() -> String {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, listener.accept().unwrap().0);
            // An error is the end of a handshake that the client refuses.
            if stream.read(&mut [0; 4096]).is_ok() {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
            }
        });
        format!("https://{address}")
    }

    #[tokio::test]
    async fn a_cluster_is_reached_with_a_client_certificate() {
        let [key, certificate] = [KEY, CERTIFICATE].map(|pem| STANDARD.encode(pem));
        let kubeconfig = serde_json::json!({
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": serve_one(), "certificate-authority-data": certificate}}],
            "users": [{"name": "u", "user": {"client-certificate-data": certificate, "client-key-data": key}}],
        });
        let path = std::env::temp_dir().join(format!("gpuhpa-tls-{}", std::process::id()));
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        let cluster = connect(Some(&path), None).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let request = http::Request::get("/version").body(Vec::new()).unwrap();
        assert_eq!(cluster.kube.no_retry.request_text(request).await.unwrap(), "ok");
    }

    #[tokio::test]
    async fn the_client_of_the_load_verifies_the_server() {
        let client = http_client(ConnectionPolicy::PerRequest, HumanDuration::from_ms(10_000)).unwrap();
        let request = http::Request::get(serve_one()).body(Bytes::new()).unwrap();
        let error = client.oneshot(request).await.err().unwrap();
        assert_eq!(error.failure, HttpFailure::BeforeHeaders);
        assert!(error.message.contains("certificate"), "{}", error.message);
    }
}
