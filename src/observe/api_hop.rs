//! The metrics API, asked as the HPA controller asks: version and resource by discovery, the target's own selector.

use k8s_openapi::api::autoscaling::v2::{CrossVersionObjectReference, MetricSpec};
use serde::Deserialize;
use tokio::sync::watch;

use super::ask::{Carrier, answer, by_kube};
use super::outside::Outside;
use super::poll::Ask;
use crate::metrics::api::read;
use crate::metrics::question::{Around, CUSTOM_VERSIONS, group_of, guessed_plural, question};
use crate::record::reading::Answer;

/// The metrics API as a hop.
pub(super) struct ApiHop {
    pub(super) outside: Outside,
    pub(super) namespace: String,
    pub(super) metric: MetricSpec,
    /// The target's label selector, once the target has been seen.
    pub(super) pods: watch::Receiver<Option<String>>,
    /// What discovery said; asked again after every failure, since an APIService may have come or gone.
    pub(super) discovered: Option<Discovered>,
}

/// What discovery says.
pub(super) struct Discovered {
    version: String,
    plural: String,
}

impl Ask for ApiHop {
    async fn ask(&mut self) -> Vec<(String, Answer)> {
        vec![(String::new(), self.once().await)]
    }
}

impl ApiHop {
    async fn once(&mut self) -> Answer {
        let pods = self.pods.borrow().clone();
        if self.metric.pods.is_some() && pods.is_none() {
            return Answer::NotReadable(
                "the target, whose selector is part of the question, has not been seen".to_owned(),
            );
        }
        let found = match self.discovered.take() {
            Some(found) => found,
            None => self.discover().await,
        };
        let around = Around {
            namespace: &self.namespace,
            version: &found.version,
            pods: pods.as_deref().unwrap_or_default(),
            plural: &found.plural,
        };
        let Some(question) = question(&self.metric, &around) else {
            return Answer::NotReadable(
                "the HPA's metric is not served by the custom or external metrics API".to_owned(),
            );
        };
        let outcome = by_kube(&self.outside, &question.path).await;
        let answer = answer(outcome, Carrier::Aggregation, |body| read(body, question.asks));
        if matches!(answer, Answer::Samples(_)) {
            self.discovered = Some(found);
        }
        answer
    }

    async fn discover(&self) -> Discovered {
        if self.metric.external.is_some() {
            return Discovered { version: String::new(), plural: String::new() };
        }
        let plural = match &self.metric.object {
            Some(object) => self.plural(&object.described_object).await,
            None => String::new(),
        };
        Discovered { version: self.version().await, plural }
    }

    /// The preferred version if the controller understands it, else the first that it does, else v1beta1: the error of
    /// asking that one is then the answer.
    async fn version(&self) -> String {
        let group: Option<Group> = self.found("/apis/custom.metrics.k8s.io").await;
        let offered = group.map_or_else(Vec::new, |group| {
            let preferred = group.preferred_version.into_iter();
            preferred.chain(group.versions).map(|version| version.version).collect()
        });
        offered
            .into_iter()
            .find(|version| CUSTOM_VERSIONS.contains(&version.as_str()))
            .unwrap_or_else(|| CUSTOM_VERSIONS[0].to_owned())
    }

    async fn plural(&self, object: &CrossVersionObjectReference) -> String {
        let version = object.api_version.as_deref().unwrap_or("v1");
        let path = if group_of(object).is_empty() { format!("/api/{version}") } else { format!("/apis/{version}") };
        let list: Option<Resources> = self.found(&path).await;
        list.into_iter()
            .flat_map(|list| list.resources)
            .find(|resource| resource.kind == object.kind && !resource.name.contains('/'))
            .map_or_else(|| guessed_plural(&object.kind), |resource| resource.name)
    }

    async fn found<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Option<T> {
        let heard = by_kube(&self.outside, path).await.ok()?;
        serde_json::from_slice(&heard.body).ok()
    }
}

/// An APIGroup.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    preferred_version: Option<Version>,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// An APIResourceList.
#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
}
