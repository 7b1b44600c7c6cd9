//! Reads `/metrics` of the exporter's pods, through the API server's pod proxy. One reading has the samples of all pods
//! that could be read; each other pod has its own reading with its error.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::core::{ObjectList, Selector};
use serde_json::from_slice;

use super::context::ObserverContext;
use super::hop_request::{HopResponse, HopTransport, classify_response, get_via_api_server};
use super::poll::HopReader;
use crate::bounds::POLL_INTERVAL;
use crate::metrics::exposition::parse_samples;
use crate::metrics::{labels_of_own_page, pod_from_labels, sort_samples};
use crate::model::metric_profile::MetricProfile;
use crate::model::reading::{MetricSample, ReadingResult};
use crate::model::scenario::ExporterSpec;

/// Pods read concurrently: a cluster has one exporter pod per node.
const MAX_CONCURRENT: usize = 8;
/// Share of the polling interval per pod: in a cluster of 100 nodes 10 pods are read per second, and each pod every 10
/// s.
const PER_POD_INTERVAL: Duration = Duration::from_millis(100);
/// Milliseconds after which the pods are listed again: exporter pods rarely change.
const LIST_MAX_AGE_MS: u64 = 10_000;

/// The exporter as a hop.
pub(super) struct ExporterHop {
    pub(super) context: ObserverContext,
    pub(super) exporter: ExporterSpec,
    pub(super) profile: MetricProfile,
    /// Names of its running pods, and when they were listed.
    pub(super) pods: Option<(Vec<String>, u64)>,
}

impl HopReader for ExporterHop {
    async fn read(&mut self) -> Vec<(String, ReadingResult)> {
        let pods = match self.running_pods().await {
            Ok(pods) => pods,
            Err(result) => return vec![(String::new(), result)],
        };
        tokio::time::sleep(
            (PER_POD_INTERVAL * u32::try_from(pods.len()).unwrap_or(u32::MAX)).saturating_sub(POLL_INTERVAL.to_std()),
        )
        .await;
        let requests = stream::iter(pods).map(|pod| self.read_pod(pod));
        let results: Vec<_> = requests.buffered(MAX_CONCURRENT).collect().await;
        let failed = results.iter().any(|(_, result)| !matches!(result, ReadingResult::Samples(_)));
        if failed {
            // The pod may have been replaced.
            self.pods = None;
        }
        merge_results(results)
    }
}

impl ExporterHop {
    async fn running_pods(&mut self) -> Result<Vec<String>, ReadingResult> {
        let now_ms = self.context.clock.now_ms();
        if let Some((pods, _)) = self.pods.as_ref().filter(|(_, at_ms)| now_ms < at_ms + LIST_MAX_AGE_MS) {
            return Ok(pods.clone());
        }
        let selector: Selector = self.exporter.pod_labels.clone().into_iter().collect();
        let namespace = &self.exporter.namespace;
        let request =
            kube::core::Request::new(Api::<Pod>::namespaced(self.context.kube.clone(), namespace).resource_url())
                .list(&ListParams::default().labels_from(&selector));
        let path = request.map_err(|e| ReadingResult::NotReadable(e.to_string()))?.uri().to_string();
        let pods = parse_running_pods(get_via_api_server(&self.context, &path).await)?;
        if pods.is_empty() {
            return Err(ReadingResult::Failed(format!("no running pod of {namespace} has the labels {selector}")));
        }
        self.pods = Some((pods.clone(), now_ms));
        Ok(pods)
    }

    async fn read_pod(&self, pod: String) -> (String, ReadingResult) {
        let ExporterSpec { namespace, port, metric_name: name, .. } = &self.exporter;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/metrics");
        let result =
            classify_response(get_via_api_server(&self.context, &path).await, HopTransport::ApiServerProxy, |text| {
                parse_samples(text, name, &self.profile).map(|samples| self.attribute(samples, &pod))
            });
        (pod, result)
    }

    /// Samples of a page that a pod serves about itself belong to this pod.
    fn attribute(&self, samples: Vec<MetricSample>, pod: &str) -> Vec<MetricSample> {
        if !self.profile.own_page {
            return samples;
        }
        let names = &self.profile.labels;
        let of_pod = samples.into_iter().map(|sample| {
            let labels = labels_of_own_page(&sample.labels, names, (&self.exporter.namespace, pod));
            MetricSample { object: pod_from_labels(&labels, names), labels: Arc::new(labels), ..sample }
        });
        of_pod.collect()
    }
}

/// Names of the running pods in a list.
fn parse_running_pods(outcome: Result<HopResponse, String>) -> Result<Vec<String>, ReadingResult> {
    let mut names = Vec::new();
    let listed = classify_response(outcome, HopTransport::ApiServerProxy, |body| {
        let list: ObjectList<Pod> = from_slice(body)?;
        let running = list
            .items
            .into_iter()
            .filter(|pod| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running"));
        names.extend(running.filter_map(|pod| pod.metadata.name));
        Ok::<_, serde_json::Error>(Vec::new())
    });
    if let ReadingResult::Samples(_) = listed { Ok(names) } else { Err(listed) }
}

/// One reading with all samples, and one for each pod that could not be read.
fn merge_results(results: Vec<(String, ReadingResult)>) -> Vec<(String, ReadingResult)> {
    let mut all: Option<Vec<MetricSample>> = None;
    let mut errors = BTreeMap::new();
    for (pod, result) in results {
        match result {
            ReadingResult::Samples(samples) => all.get_or_insert_default().extend(samples),
            ReadingResult::Failed(reason) => {
                drop(errors.insert(pod.clone(), ReadingResult::Failed(format!("{pod}: {reason}"))))
            }
            ReadingResult::NotReadable(reason) => {
                drop(errors.insert(pod.clone(), ReadingResult::NotReadable(format!("{pod}: {reason}"))))
            }
        }
    }
    let all = all.map(|samples| (String::new(), ReadingResult::Samples(sort_samples(samples))));
    // The samples last: the newest reading of the exporter then has samples if there are any.
    errors.into_iter().chain(all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(object: &str) -> MetricSample {
        MetricSample {
            object: Some(object.to_owned()),
            labels: std::sync::Arc::default(),
            value: None,
            timestamp: None,
        }
    }

    #[test]
    fn a_pod_that_cannot_be_read_hides_no_other() {
        let results = vec![
            ("e1".to_owned(), ReadingResult::Samples(vec![sample("b")])),
            ("e2".to_owned(), ReadingResult::Failed("500: x".to_owned())),
            ("e3".to_owned(), ReadingResult::Samples(vec![sample("a")])),
        ];
        assert_eq!(
            merge_results(results),
            [
                ("e2".to_owned(), ReadingResult::Failed("e2: 500: x".to_owned())),
                (String::new(), ReadingResult::Samples(vec![sample("a"), sample("b")])),
            ]
        );
    }
}
