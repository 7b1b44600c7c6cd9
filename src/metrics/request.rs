//! Builds the request that the HPA controller sends for a metric of an HPA (k8s.io/metrics v0.37.2,
//! pkg/client/custom_metrics/versioned_client.go and external_metrics/client.go), so that the observer reads what the
//! controller reads.

use k8s_openapi::api::autoscaling::v2::CrossVersionObjectReference;

use super::{percent_encode, selector};
use crate::model::metric_under_test::{MetricKind, MetricUnderTest};

/// Versions of custom.metrics.k8s.io that the controller supports, and that this crate parses.
pub(crate) const CUSTOM_VERSIONS: [&str; 2] = ["v1beta1", "v1beta2"];

/// The only version of external.metrics.k8s.io.
const EXTERNAL_VERSION: &str = "v1beta1";

/// A request to the custom or external metrics API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricRequest {
    /// Path and query.
    pub(crate) path: String,
    /// What the response contains.
    pub(crate) response_kind: ResponseKind,
}

/// What a response contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// One value for each pod (MetricValueList).
    Pods,
    /// Exactly one value (MetricValueList).
    Object,
    /// One value for each series (ExternalMetricValueList).
    External,
}

/// The properties of the cluster that a request depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestContext<'a> {
    /// Version of custom.metrics.k8s.io, by discovery.
    pub(crate) custom_version: &'a str,
    /// The target's label selector as text; for Pods metrics.
    pub(crate) pod_selector: &'a str,
    /// Plural of the described object's kind, by discovery ([`guess_plural`] where that fails); for Object metrics.
    pub(crate) plural: &'a str,
}

/// The request for a metric.
#[must_use]
pub(crate) fn metric_request(metric: &MetricUnderTest, context: &RequestContext<'_>) -> MetricRequest {
    let selector = metric.selector.as_ref().map(selector::format_selector).unwrap_or_default();
    let (name, version) = (&metric.name, context.custom_version);
    let version = if metric.kind == MetricKind::External { EXTERNAL_VERSION } else { version };
    let base = format!("/apis/{}/{version}/namespaces/{}", metric.api_group(), metric.namespace);
    let (path, response_kind) = match metric.kind {
        MetricKind::Pods => {
            let query = query_string(&[("labelSelector", context.pod_selector), ("metricLabelSelector", &selector)]);
            (format!("{base}/pods/*/{name}{query}"), ResponseKind::Pods)
        }
        MetricKind::Object => {
            let object = metric.described_object.as_ref().map(|object| object_path(object, context.plural));
            let query = query_string(&[("metricLabelSelector", &selector)]);
            (format!("{base}/{}/{name}{query}", object.unwrap_or_default()), ResponseKind::Object)
        }
        MetricKind::External => {
            (format!("{base}/{name}{}", query_string(&[("labelSelector", &selector)])), ResponseKind::External)
        }
    };
    MetricRequest { path, response_kind }
}

/// The permission that a request needs, as the API server derives it from the path
/// (k8s.io/apiserver v0.37.2, pkg/endpoints/request/requestinfo.go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricPermission {
    /// `get`, or `list` if the path names no object.
    pub(crate) verb: &'static str,
    /// API group.
    pub(crate) group: &'static str,
    /// Resource, with the metric as its subresource if the path names an object.
    pub(crate) resource: String,
    /// Name of the object; empty for any.
    pub(crate) name: String,
}

/// The permission to read a metric.
#[must_use]
pub(crate) fn required_permission(metric: &MetricUnderTest) -> MetricPermission {
    let verb = if metric.kind == MetricKind::External { "list" } else { "get" };
    let (resource, name) = match (metric.kind, &metric.described_object) {
        (MetricKind::Pods, _) => (format!("pods/{}", metric.name), String::new()),
        (MetricKind::Object, Some(object)) => match api_group(object) {
            "" if object.kind == "Namespace" => ("metrics".to_owned(), metric.name.clone()),
            group => {
                let resource = format!("{}.{group}", guess_plural(&object.kind));
                (format!("{}/{}", resource.trim_end_matches('.'), metric.name), object.name.clone())
            }
        },
        (MetricKind::Object, None) | (MetricKind::External, _) => (metric.name.clone(), String::new()),
    };
    MetricPermission { verb, group: metric.api_group(), resource, name }
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
pub(crate) fn api_group(object: &CrossVersionObjectReference) -> &str {
    object.api_version.as_deref().and_then(|version| version.split_once('/')).map_or("", |(group, _)| group)
}

/// The plural that Kubernetes guesses for a kind (k8s.io/apimachinery v0.37.2, pkg/api/meta/restmapper.go,
/// `UnsafeGuessKindToResource`).
#[must_use]
pub(crate) fn guess_plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind == "endpoints" => kind,
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
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

    const CONTEXT: RequestContext<'_> =
        RequestContext { custom_version: "v1beta1", pod_selector: "app=ollama", plural: "deployments" };

    fn resolve(metric: &Value) -> MetricUnderTest {
        let spec =
            json!({"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 2, "metrics": [metric]});
        MetricUnderTest::from_spec(&serde_json::from_value(spec).unwrap(), "ai").unwrap()
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
        let cases = [
            (pods, format!("{CUSTOM}/pods/*/gpu?labelSelector=app%3Dollama&metricLabelSelector=model%3Da%20b")),
            (object("v1", "Namespace", "ignored"), format!("{CUSTOM}/metrics/gpu")),
            (object("apps/v1", "Deployment", "ollama"), format!("{CUSTOM}/deployments.apps/ollama/gpu")),
            (external, "/apis/external.metrics.k8s.io/v1beta1/namespaces/ai/q?labelSelector=model%3Da%20b".to_owned()),
        ];
        for (metric, expected) in cases {
            assert_eq!(metric_request(&resolve(&metric), &CONTEXT).path, expected);
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
            let MetricPermission { verb, group, resource, name } = required_permission(&resolve(&metric));
            assert_eq!(format!("{verb} {group} {resource} {name}"), expected);
        }
    }

    #[test]
    fn plurals_are_guessed_as_kubernetes_guesses_them() {
        let kinds = ["Service", "Ingress", "Policy", "Endpoints"];
        assert_eq!(kinds.map(guess_plural), ["services", "ingresses", "policies", "endpoints"]);
    }
}
