//! Addresses of Services in the cluster's DNS.

use super::scenario::ServiceRef;

/// The Service in a URL of the cluster's DNS, such as `http://NAME.NAMESPACE.svc:9090/PATH`.
#[must_use]
pub(crate) fn service_of_url(url: &str) -> Option<ServiceRef> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let mut parts = name.split('.');
    let (name, namespace, kind) = (parts.next()?, parts.next()?, parts.next());
    let path = path.trim_end_matches('/');
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    (matches!(kind, None | Some("svc")) && port.parse::<u16>().is_ok()).then(|| ServiceRef {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        port: port.to_owned(),
        path,
    })
}

/// As [`service_of_url`], where no other host can have the name: it says `svc`.
#[must_use]
pub(crate) fn cluster_service_of_url(url: &str) -> Option<ServiceRef> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let kind = rest.split(['/', ':']).next()?.split('.').nth(2);
    service_of_url(url).filter(|_| kind == Some("svc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_of_an_adapters_url_is_found() {
        let text = |url: &str| service_of_url(url).map(|s| format!("{}/{}:{}{}", s.namespace, s.name, s.port, s.path));
        assert_eq!(
            text("http://prometheus-operated.monitoring.svc:9090").unwrap(),
            "monitoring/prometheus-operated:9090"
        );
        assert_eq!(
            text("http://vmselect.vm.svc.cluster.local:8481/select/0/prometheus/").unwrap(),
            "vm/vmselect:8481/select/0/prometheus"
        );
        assert_eq!(text("http://prom.monitoring").unwrap(), "monitoring/prom:80");
        assert_eq!(text("vm.monitoring.svc.cluster.local").unwrap(), "monitoring/vm:80");
        assert_eq!(text("https://prom.example.com:443/x"), None);
        assert_eq!(text("http://localhost:9090"), None);
    }

    #[test]
    fn another_host_may_have_a_name_without_svc() {
        let name = |url: &str| cluster_service_of_url(url).map(|service| service.name);
        assert_eq!(name("http://prom.monitoring.svc:9090").as_deref(), Some("prom"));
        assert_eq!((name("http://prom.monitoring:9090"), name("https://example.com/svc")), (None, None));
    }
}
