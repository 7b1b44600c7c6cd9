//! Builds the request that the HPA controller sends for a metric of an HPA (k8s.io/metrics v0.37.2,
//! pkg/client/custom_metrics/versioned_client.go and external_metrics/client.go), so that the observer reads what the
//! controller reads.

use k8s_openapi::api::autoscaling::v2::{CrossVersionObjectReference, MetricSpec};

use super::{percent_encode, selector};

/// Versions of custom.metrics.k8s.io that the controller supports, and that this crate parses.
pub const CUSTOM_VERSIONS: [&str; 2] = ["v1beta1", "v1beta2"];

/// A request to the custom or external metrics API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricRequest {
    /// Path and query.
    pub path: String,
    /// What the response contains.
    pub response_kind: ResponseKind,
}

/// What a response contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseKind {
    /// One value for each pod (MetricValueList).
    Pods,
    /// Exactly one value (MetricValueList).
    Object,
    /// One value for each series (ExternalMetricValueList).
    External,
}

/// The properties of the cluster and the HPA that a request depends on.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// Namespace of the HPA.
    pub namespace: &'a str,
    /// Version of custom.metrics.k8s.io, by discovery.
    pub custom_version: &'a str,
    /// The target's label selector as text; for Pods metrics.
    pub pod_selector: &'a str,
    /// Plural of the described object's kind, by discovery ([`guess_plural`] where that fails); for Object metrics.
    pub plural: &'a str,
}

/// True for a metric that the custom or external metrics API serves; false for cpu, memory and other resources.
#[must_use]
pub fn is_custom_or_external(metric: &MetricSpec) -> bool {
    metric.pods.is_some() || metric.object.is_some() || metric.external.is_some()
}

/// The request for a metric; `None` for a metric that these APIs do not serve.
#[must_use]
pub fn metric_request(metric: &MetricSpec, context: &RequestContext<'_>) -> Option<MetricRequest> {
    let base = format!("/apis/custom.metrics.k8s.io/{}/namespaces/{}", context.custom_version, context.namespace);
    if let Some(pods) = &metric.pods {
        let selector = selector_text(pods.metric.selector.as_ref());
        let query = query_string(&[("labelSelector", context.pod_selector), ("metricLabelSelector", &selector)]);
        return Some(MetricRequest {
            path: format!("{base}/pods/*/{}{query}", pods.metric.name),
            response_kind: ResponseKind::Pods,
        });
    }
    if let Some(object) = &metric.object {
        let selector = selector_text(object.metric.selector.as_ref());
        let (object_path, name) = (object_path(&object.described_object, context.plural), &object.metric.name);
        let path = format!("{base}/{object_path}/{name}{}", query_string(&[("metricLabelSelector", &selector)]));
        return Some(MetricRequest { path, response_kind: ResponseKind::Object });
    }
    let metric = &metric.external.as_ref()?.metric;
    let query = query_string(&[("labelSelector", &selector_text(metric.selector.as_ref()))]);
    let base = format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{}", context.namespace);
    Some(MetricRequest { path: format!("{base}/{}{query}", metric.name), response_kind: ResponseKind::External })
}

/// The permission that a request needs, as the API server derives it from the path
/// (k8s.io/apiserver v0.37.2, pkg/endpoints/request/requestinfo.go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricPermission {
    /// `get`, or `list` if the path names no object.
    pub verb: &'static str,
    /// API group.
    pub group: &'static str,
    /// Resource, with the metric as its subresource if the path names an object.
    pub resource: String,
    /// Name of the object; empty for any.
    pub name: String,
}

/// The permission to read a metric; `None` for a metric that these APIs do not serve.
#[must_use]
pub fn required_permission(metric: &MetricSpec) -> Option<MetricPermission> {
    let custom = |resource: String, name: String| MetricPermission {
        verb: "get",
        group: "custom.metrics.k8s.io",
        resource,
        name,
    };
    if let Some(pods) = &metric.pods {
        return Some(custom(format!("pods/{}", pods.metric.name), String::new()));
    }
    if let Some(object) = &metric.object {
        let (object, name) = (&object.described_object, &object.metric.name);
        return Some(match api_group(object) {
            "" if object.kind == "Namespace" => custom("metrics".to_owned(), name.clone()),
            group => {
                let resource = format!("{}.{group}", guess_plural(&object.kind));
                custom(format!("{}/{name}", resource.trim_end_matches('.')), object.name.clone())
            }
        });
    }
    let name = metric.external.as_ref()?.metric.name.clone();
    Some(MetricPermission { verb: "list", group: "external.metrics.k8s.io", resource: name, name: String::new() })
}

/// `RESOURCE[.GROUP]/NAME`; `metrics` for a Namespace, whose name the controller ignores: it uses the HPA's namespace.
fn object_path(object: &CrossVersionObjectReference, plural: &str) -> String {
    match api_group(object) {
        "" if object.kind == "Namespace" => "metrics".to_owned(),
        "" => format!("{plural}/{}", object.name),
        group => format!("{plural}.{group}/{}", object.name),
    }
}

/// The API group of a reference, empty for the core group.
#[must_use]
pub fn api_group(object: &CrossVersionObjectReference) -> &str {
    object.api_version.as_deref().and_then(|version| version.split_once('/')).map_or("", |(group, _)| group)
}

/// The plural that Kubernetes guesses for a kind (k8s.io/apimachinery v0.37.2, pkg/api/meta/restmapper.go,
/// `UnsafeGuessKindToResource`).
#[must_use]
pub fn guess_plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind == "endpoints" => kind,
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

fn selector_text(selector: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector>) -> String {
    selector.map(selector::format_selector).unwrap_or_default()
}

/// The query of a URL, without empty values, as the controller sends it.
fn query_string(pairs: &[(&str, &str)]) -> String {
    let parameters: Vec<_> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={}", percent_encode(value)))
        .collect();
    if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const CONTEXT: RequestContext<'_> = RequestContext {
        namespace: "ai",
        custom_version: "v1beta1",
        pod_selector: "app=ollama",
        plural: "deployments",
    };

    fn path(metric: Value) -> Option<String> {
        let metric: MetricSpec = serde_json::from_value(metric).unwrap();
        assert_eq!(is_custom_or_external(&metric), metric_request(&metric, &CONTEXT).is_some());
        metric_request(&metric, &CONTEXT).map(|request| request.path)
    }

    fn object(api_version: &str, kind: &str, name: &str) -> Value {
        json!({"type": "Object", "object": {
            "describedObject": {"apiVersion": api_version, "kind": kind, "name": name},
            "metric": {"name": "gpu"}, "target": {"type": "AverageValue", "averageValue": "70"}}})
    }

    #[test]
    fn each_kind_of_metric_has_the_controllers_request() {
        const CUSTOM: &str = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/ai";
        let selector = json!({"matchLabels": {"model": "a b"}});
        let target = json!({"type": "AverageValue", "averageValue": "70"});
        let pods = json!({"type": "Pods", "pods": {"metric": {"name": "gpu", "selector": selector}, "target": target}});
        let external =
            json!({"type": "External", "external": {"metric": {"name": "q", "selector": selector}, "target": target}});
        let cpu = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}});
        let cases = [
            (pods, Some(format!("{CUSTOM}/pods/*/gpu?labelSelector=app%3Dollama&metricLabelSelector=model%3Da%20b"))),
            (object("v1", "Namespace", "ignored"), Some(format!("{CUSTOM}/metrics/gpu"))),
            (object("apps/v1", "Deployment", "ollama"), Some(format!("{CUSTOM}/deployments.apps/ollama/gpu"))),
            (
                external,
                Some("/apis/external.metrics.k8s.io/v1beta1/namespaces/ai/q?labelSelector=model%3Da%20b".to_owned()),
            ),
            (cpu, None),
        ];
        for (metric, expected) in cases {
            assert_eq!(path(metric), expected);
        }
    }

    #[test]
    fn the_permission_is_the_one_that_the_api_server_names_in_a_403() {
        // Its message (Kubernetes 1.37.2): `cannot get resource "pods/gpu" in API group "custom.metrics.k8s.io"`, and
        // so on.
        let target = json!({"type": "AverageValue", "averageValue": "70"});
        let pods = json!({"type": "Pods", "pods": {"metric": {"name": "gpu"}, "target": target}});
        let external = json!({"type": "External", "external": {"metric": {"name": "q"}, "target": target}});
        let cases = [
            (pods, "get custom.metrics.k8s.io pods/gpu "),
            (object("v1", "Namespace", "ignored"), "get custom.metrics.k8s.io metrics gpu"),
            (object("apps/v1", "Deployment", "ollama"), "get custom.metrics.k8s.io deployments.apps/gpu ollama"),
            (object("v1", "Service", "web"), "get custom.metrics.k8s.io services/gpu web"),
            (external, "list external.metrics.k8s.io q "),
        ];
        for (metric, expected) in cases {
            let metric: MetricSpec = serde_json::from_value(metric).unwrap();
            let MetricPermission { verb, group, resource, name } = required_permission(&metric).unwrap();
            assert_eq!(format!("{verb} {group} {resource} {name}"), expected);
        }
    }

    #[test]
    fn plurals_are_guessed_as_kubernetes_guesses_them() {
        let kinds = ["Service", "Ingress", "Policy", "Endpoints"];
        assert_eq!(kinds.map(guess_plural), ["services", "ingresses", "policies", "endpoints"]);
    }
}
