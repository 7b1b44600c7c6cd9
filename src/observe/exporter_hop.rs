//! The exporter behind the store: the /metrics of its pods, through the API server's pod proxy. One reading holds the
//! samples of all pods that answered; a pod that did not has a reading of its own, which says so.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::core::ObjectList;
use serde_json::from_slice;

use super::ask::{Carrier, Heard, answer, by_kube};
use super::outside::Outside;
use super::poll::Ask;
use crate::bounds::POLL;
use crate::metrics::exposition::read;
use crate::record::reading::{Answer, Sample};
use crate::record::scenario::Exporter;

/// Pods asked at the same time: a cluster has one exporter a node.
const AT_ONCE: usize = 8;
/// Time that each pod's answer is worth: a cluster of a hundred nodes is asked for ten of them a second, and each is
/// read every ten seconds.
const A_POD: Duration = Duration::from_millis(100);
/// The list of pods is read anew after so long: exporter pods seldom change.
const LIST_AGE_MS: u64 = 10_000;

/// The exporter as a hop.
pub(super) struct ExporterHop {
    pub(super) outside: Outside,
    pub(super) exporter: Exporter,
    /// Names of its running pods, and when they were listed.
    pub(super) pods: Option<(Vec<String>, u64)>,
}

impl Ask for ExporterHop {
    async fn ask(&mut self) -> Vec<(String, Answer)> {
        let pods = match self.running().await {
            Ok(pods) => pods,
            Err(answer) => return vec![(String::new(), answer)],
        };
        tokio::time::sleep((A_POD * u32::try_from(pods.len()).unwrap_or(u32::MAX)).saturating_sub(POLL.duration()))
            .await;
        let asked = stream::iter(pods).map(|pod| self.one(pod));
        let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
        let failed = answers.iter().any(|(_, answer)| !matches!(answer, Answer::Samples(_)));
        if failed {
            // It may have been replaced.
            self.pods = None;
        }
        together(answers)
    }
}

impl ExporterHop {
    async fn running(&mut self) -> Result<Vec<String>, Answer> {
        let now_ms = self.outside.clock.now_ms();
        if let Some((pods, _)) = self.pods.as_ref().filter(|(_, at_ms)| now_ms < at_ms + LIST_AGE_MS) {
            return Ok(pods.clone());
        }
        let labels: Vec<_> = self.exporter.pod_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = labels.join(",");
        let namespace = &self.exporter.namespace;
        let request =
            kube::core::Request::new(Api::<Pod>::namespaced(self.outside.kube.clone(), namespace).resource_url())
                .list(&ListParams::default().labels(&labels));
        let path = request.map_err(|e| Answer::NotReadable(e.to_string()))?.uri().to_string();
        let pods = pods(by_kube(&self.outside, &path).await)?;
        if pods.is_empty() {
            return Err(Answer::Failed(format!("no running pod of {namespace} has the labels {labels}")));
        }
        self.pods = Some((pods.clone(), now_ms));
        Ok(pods)
    }

    async fn one(&self, pod: String) -> (String, Answer) {
        let Exporter { namespace, port, name, .. } = &self.exporter;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/metrics");
        let answer = answer(by_kube(&self.outside, &path).await, Carrier::Proxy, |text| read(text, name));
        (pod, answer)
    }
}

/// Names of the running pods of a list.
fn pods(outcome: Result<Heard, String>) -> Result<Vec<String>, Answer> {
    let mut names = Vec::new();
    let listed = answer(outcome, Carrier::Proxy, |body| {
        let list: ObjectList<Pod> = from_slice(body)?;
        let running = list
            .items
            .into_iter()
            .filter(|pod| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running"));
        names.extend(running.filter_map(|pod| pod.metadata.name));
        Ok::<_, serde_json::Error>(Vec::new())
    });
    if let Answer::Samples(_) = listed { Ok(names) } else { Err(listed) }
}

/// One answer of all samples, and one for each pod that gave none.
fn together(answers: Vec<(String, Answer)>) -> Vec<(String, Answer)> {
    let mut all: Option<Vec<Sample>> = None;
    let mut apart = BTreeMap::new();
    for (pod, answer) in answers {
        match answer {
            Answer::Samples(samples) => all.get_or_insert_default().extend(samples),
            Answer::Failed(why) => drop(apart.insert(pod.clone(), Answer::Failed(format!("{pod}: {why}")))),
            Answer::NotReadable(why) => drop(apart.insert(pod.clone(), Answer::NotReadable(format!("{pod}: {why}")))),
        }
    }
    let all = all.map(|mut samples| {
        samples.sort_by(|a, b| (&a.object, &a.labels).cmp(&(&b.object, &b.labels)));
        (String::new(), Answer::Samples(samples))
    });
    // Last what was read: who looks for the newest reading of the exporter finds samples if there are any.
    apart.into_iter().chain(all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(object: &str) -> Sample {
        Sample { object: Some(object.to_owned()), labels: std::sync::Arc::default(), value: None, at: None }
    }

    #[test]
    fn a_pod_that_does_not_answer_hides_no_other() {
        let answers = vec![
            ("e1".to_owned(), Answer::Samples(vec![sample("b")])),
            ("e2".to_owned(), Answer::Failed("500: x".to_owned())),
            ("e3".to_owned(), Answer::Samples(vec![sample("a")])),
        ];
        assert_eq!(
            together(answers),
            [
                ("e2".to_owned(), Answer::Failed("e2: 500: x".to_owned())),
                (String::new(), Answer::Samples(vec![sample("a"), sample("b")])),
            ]
        );
    }
}
