//! The exporter behind the store: the /metrics of its pods, through the API server's pod proxy. One reading holds the
//! samples of all pods that answered; a pod that did not has a reading of its own, which says so.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::core::ObjectList;
use serde_json::from_slice;

use super::context::ObserverContext;
use super::hop_request::{HopResponse, HopTransport, classify_response, get_via_api_server};
use super::poll::HopReader;
use crate::bounds::POLL_INTERVAL;
use crate::metrics::exposition::parse_samples;
use crate::model::reading::{MetricSample, ReadingResult};
use crate::model::scenario::ExporterSpec;

/// Pods asked at the same time: a cluster has one exporter a node.
const MAX_CONCURRENT: usize = 8;
/// Time that each pod's answer is worth: a cluster of a hundred nodes is asked for ten of them a second, and each is
/// read every ten seconds.
const PER_POD_INTERVAL: Duration = Duration::from_millis(100);
/// The list of pods is read anew after so long: exporter pods seldom change.
const LIST_MAX_AGE_MS: u64 = 10_000;

/// The exporter as a hop.
pub(super) struct ExporterHop {
    pub(super) context: ObserverContext,
    pub(super) exporter: ExporterSpec,
    /// Names of its running pods, and when they were listed.
    pub(super) pods: Option<(Vec<String>, u64)>,
}

impl HopReader for ExporterHop {
    async fn read(&mut self) -> Vec<(String, ReadingResult)> {
        let pods = match self.running_pods().await {
            Ok(pods) => pods,
            Err(answer) => return vec![(String::new(), answer)],
        };
        tokio::time::sleep(
            (PER_POD_INTERVAL * u32::try_from(pods.len()).unwrap_or(u32::MAX)).saturating_sub(POLL_INTERVAL.to_std()),
        )
        .await;
        let asked = stream::iter(pods).map(|pod| self.read_pod(pod));
        let answers: Vec<_> = asked.buffered(MAX_CONCURRENT).collect().await;
        let failed = answers.iter().any(|(_, answer)| !matches!(answer, ReadingResult::Samples(_)));
        if failed {
            // It may have been replaced.
            self.pods = None;
        }
        merge_answers(answers)
    }
}

impl ExporterHop {
    async fn running_pods(&mut self) -> Result<Vec<String>, ReadingResult> {
        let now_ms = self.context.clock.now_ms();
        if let Some((pods, _)) = self.pods.as_ref().filter(|(_, at_ms)| now_ms < at_ms + LIST_MAX_AGE_MS) {
            return Ok(pods.clone());
        }
        let labels: Vec<_> = self.exporter.pod_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = labels.join(",");
        let namespace = &self.exporter.namespace;
        let request =
            kube::core::Request::new(Api::<Pod>::namespaced(self.context.kube.clone(), namespace).resource_url())
                .list(&ListParams::default().labels(&labels));
        let path = request.map_err(|e| ReadingResult::NotReadable(e.to_string()))?.uri().to_string();
        let pods = parse_running_pods(get_via_api_server(&self.context, &path).await)?;
        if pods.is_empty() {
            return Err(ReadingResult::Failed(format!("no running pod of {namespace} has the labels {labels}")));
        }
        self.pods = Some((pods.clone(), now_ms));
        Ok(pods)
    }

    async fn read_pod(&self, pod: String) -> (String, ReadingResult) {
        let ExporterSpec { namespace, port, metric_name: name, .. } = &self.exporter;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/metrics");
        let answer =
            classify_response(get_via_api_server(&self.context, &path).await, HopTransport::ApiServerProxy, |text| {
                parse_samples(text, name)
            });
        (pod, answer)
    }
}

/// Names of the running pods of a list.
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

/// One answer of all samples, and one for each pod that gave none.
fn merge_answers(answers: Vec<(String, ReadingResult)>) -> Vec<(String, ReadingResult)> {
    let mut all: Option<Vec<MetricSample>> = None;
    let mut apart = BTreeMap::new();
    for (pod, answer) in answers {
        match answer {
            ReadingResult::Samples(samples) => all.get_or_insert_default().extend(samples),
            ReadingResult::Failed(why) => {
                drop(apart.insert(pod.clone(), ReadingResult::Failed(format!("{pod}: {why}"))))
            }
            ReadingResult::NotReadable(why) => {
                drop(apart.insert(pod.clone(), ReadingResult::NotReadable(format!("{pod}: {why}"))))
            }
        }
    }
    let all = all.map(|mut samples| {
        samples.sort_by(|a, b| (&a.object, &a.labels).cmp(&(&b.object, &b.labels)));
        (String::new(), ReadingResult::Samples(samples))
    });
    // Last what was read: who looks for the newest reading of the exporter finds samples if there are any.
    apart.into_iter().chain(all).collect()
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
    fn a_pod_that_does_not_answer_hides_no_other() {
        let answers = vec![
            ("e1".to_owned(), ReadingResult::Samples(vec![sample("b")])),
            ("e2".to_owned(), ReadingResult::Failed("500: x".to_owned())),
            ("e3".to_owned(), ReadingResult::Samples(vec![sample("a")])),
        ];
        assert_eq!(
            merge_answers(answers),
            [
                ("e2".to_owned(), ReadingResult::Failed("e2: 500: x".to_owned())),
                (String::new(), ReadingResult::Samples(vec![sample("a"), sample("b")])),
            ]
        );
    }
}
