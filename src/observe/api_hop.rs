//! The metrics API, asked as the HPA controller asks: version and resource by discovery, the target's own selector.

use k8s_openapi::api::autoscaling::v2::{CrossVersionObjectReference, MetricSpec};
use serde::Deserialize;
use tokio::sync::watch;

use super::context::ObserverContext;
use super::hop_request::{HopTransport, classify_response, get_via_api_server};
use super::poll::HopReader;
use crate::metrics::api::parse_samples;
use crate::metrics::request::{CUSTOM_VERSIONS, RequestContext, api_group, guess_plural, metric_request};
use crate::model::reading::ReadingResult;

/// The metrics API as a hop.
pub(super) struct ApiHop {
    pub(super) context: ObserverContext,
    pub(super) namespace: String,
    pub(super) metric: MetricSpec,
    /// The target's label selector, once the target has been seen.
    pub(super) pod_selector: watch::Receiver<Option<String>>,
    /// What discovery said; asked again after every failure, since an APIService may have come or gone.
    pub(super) discovered: Option<DiscoveredMetric>,
}

/// What discovery says.
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
        if self.metric.pods.is_some() && pods.is_none() {
            return ReadingResult::NotReadable(
                "the target, whose selector is part of the question, has not been seen".to_owned(),
            );
        }
        let found = match self.discovered.take() {
            Some(found) => found,
            None => self.discover().await,
        };
        let around = RequestContext {
            namespace: &self.namespace,
            custom_version: &found.version,
            pod_selector: pods.as_deref().unwrap_or_default(),
            plural: &found.plural,
        };
        let Some(request) = metric_request(&self.metric, &around) else {
            return ReadingResult::NotReadable(
                "the HPA's metric is not served by the custom or external metrics API".to_owned(),
            );
        };
        let outcome = get_via_api_server(&self.context, &request.path).await;
        let answer =
            classify_response(outcome, HopTransport::AggregatedApi, |body| parse_samples(body, request.response_kind));
        if matches!(answer, ReadingResult::Samples(_)) {
            self.discovered = Some(found);
        }
        answer
    }

    async fn discover(&self) -> DiscoveredMetric {
        if self.metric.external.is_some() {
            return DiscoveredMetric { version: String::new(), plural: String::new() };
        }
        let plural = match &self.metric.object {
            Some(object) => self.discover_plural(&object.described_object).await,
            None => String::new(),
        };
        DiscoveredMetric { version: self.discover_version().await, plural }
    }

    /// The preferred version if the controller understands it, else the first that it does, else v1beta1: the error of
    /// asking that one is then the answer.
    async fn discover_version(&self) -> String {
        let group: Option<DiscoveryGroup> = self.fetch_json("/apis/custom.metrics.k8s.io").await;
        let offered = group.map_or_else(Vec::new, |group| {
            let preferred = group.preferred_version.into_iter();
            preferred.chain(group.versions).map(|version| version.version).collect()
        });
        offered
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
        let heard = get_via_api_server(&self.context, path).await.ok()?;
        serde_json::from_slice(&heard.body).ok()
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
