//! Reads the metrics API with the HPA controller's request: version and resource by discovery, the target's selector.

use k8s_openapi::api::autoscaling::v2::CrossVersionObjectReference;
use serde::Deserialize;
use tokio::sync::watch;

use super::context::ObserverContext;
use super::hop_request::{HopTransport, classify_response, get_via_api_server};
use super::poll::HopReader;
use crate::metrics::api::parse_samples;
use crate::metrics::request::{CUSTOM_VERSIONS, RequestContext, api_group, guess_plural, metric_request};
use crate::model::metric_under_test::{MetricKind, MetricUnderTest};
use crate::model::reading::ReadingResult;

/// The metrics API as a hop.
pub(super) struct ApiHop {
    pub(super) context: ObserverContext,
    pub(super) metric: MetricUnderTest,
    /// The target's label selector, `None` until the target is observed.
    pub(super) pod_selector: watch::Receiver<Option<String>>,
    /// The result of discovery. Every failure repeats discovery, because an APIService may be new or deleted.
    pub(super) discovered: Option<DiscoveredMetric>,
}

/// The result of discovery.
pub(super) struct DiscoveredMetric {
    version: String,
    plural: String,
}

impl HopReader for ApiHop {
    async fn read(&mut self) -> Vec<(String, ReadingResult)> {
        vec![(String::new(), self.read_once().await)]
    }
}

impl ApiHop {
    async fn read_once(&mut self) -> ReadingResult {
        let pods = self.pod_selector.borrow().clone();
        if self.metric.is_per_pod() && pods.is_none() {
            return ReadingResult::NotReadable(
                "the scale target, whose label selector the request needs, has not been observed yet".to_owned(),
            );
        }
        let discovered = match self.discovered.take() {
            Some(discovered) => discovered,
            None => self.discover().await,
        };
        let request_context = RequestContext {
            custom_version: &discovered.version,
            pod_selector: pods.as_deref().unwrap_or_default(),
            plural: &discovered.plural,
        };
        let request = metric_request(&self.metric, &request_context);
        let outcome = get_via_api_server(&self.context, &request.path).await;
        let result =
            classify_response(outcome, HopTransport::AggregatedApi, |body| parse_samples(body, request.response_kind));
        if matches!(result, ReadingResult::Samples(_)) {
            self.discovered = Some(discovered);
        }
        result
    }

    async fn discover(&self) -> DiscoveredMetric {
        if self.metric.kind == MetricKind::External {
            return DiscoveredMetric { version: String::new(), plural: String::new() };
        }
        let plural = match &self.metric.described_object {
            Some(object) => self.discover_plural(object).await,
            None => String::new(),
        };
        DiscoveredMetric { version: self.discover_version().await, plural }
    }

    /// The preferred version if the controller supports it, else the first version that it supports, else v1beta1: its
    /// error is then the reading.
    async fn discover_version(&self) -> String {
        let group: Option<DiscoveryGroup> = self.fetch_json("/apis/custom.metrics.k8s.io").await;
        let versions = group.map_or_else(Vec::new, |group| {
            let preferred = group.preferred_version.into_iter();
            preferred.chain(group.versions).map(|version| version.version).collect()
        });
        versions
            .into_iter()
            .find(|version| CUSTOM_VERSIONS.contains(&version.as_str()))
            .unwrap_or_else(|| CUSTOM_VERSIONS[0].to_owned())
    }

    async fn discover_plural(&self, object: &CrossVersionObjectReference) -> String {
        let version = object.api_version.as_deref().unwrap_or("v1");
        let path = if api_group(object).is_empty() { format!("/api/{version}") } else { format!("/apis/{version}") };
        let list: Option<DiscoveryResources> = self.fetch_json(&path).await;
        list.into_iter()
            .flat_map(|list| list.resources)
            .find(|resource| resource.kind == object.kind && !resource.name.contains('/'))
            .map_or_else(|| guess_plural(&object.kind), |resource| resource.name)
    }

    async fn fetch_json<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Option<T> {
        let response = get_via_api_server(&self.context, path).await.ok()?;
        serde_json::from_slice(&response.body).ok()
    }
}

/// An APIGroup.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiscoveryGroup {
    preferred_version: Option<DiscoveryVersion>,
    versions: Vec<DiscoveryVersion>,
}

#[derive(Deserialize)]
struct DiscoveryVersion {
    version: String,
}

/// An APIResourceList.
#[derive(Deserialize)]
struct DiscoveryResources {
    resources: Vec<DiscoveryResource>,
}

#[derive(Deserialize)]
struct DiscoveryResource {
    name: String,
    kind: String,
}
