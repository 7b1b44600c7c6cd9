//! Servers of models that run already: Ollama, with its release, its size and its models.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec};
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::reader::ClusterReader;
use crate::snapshot::requested_resources;

/// A workload that runs Ollama.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OllamaServer {
    pub(super) kind: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) replicas: i32,
    /// Name and namespace of its helm release, and chart with version, as far as helm and the chart have noted them.
    pub(super) release: Option<(String, String)>,
    pub(super) chart: Option<(String, String)>,
    /// Extended resources of one pod, as text.
    pub(super) requests: String,
    /// Models that the server has; `None` where no pod of it answered.
    pub(super) models: Option<Vec<String>>,
    /// HPAs that scale it already.
    pub(super) autoscalers: Vec<ExistingHpa>,
}

/// An HPA that scales a server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ExistingHpa {
    pub(super) name: String,
    pub(super) spec: HorizontalPodAutoscalerSpec,
}

impl ExistingHpa {
    /// Its metrics, each with its type and its name where it has one.
    pub(super) fn describe_metrics(&self) -> String {
        let all: Vec<String> = self.spec.metrics.iter().flatten().map(describe_metric).collect();
        if all.is_empty() { "no metric".to_owned() } else { all.join(", ") }
    }

    /// Why no run can test it; `None` where one can.
    pub(super) fn untestable(&self) -> Option<String> {
        let (min, max) = (self.spec.min_replicas.unwrap_or(1), self.spec.max_replicas);
        let metrics = self.spec.metrics.as_deref().unwrap_or_default();
        match metrics {
            [one] if !["Pods", "Object", "External"].contains(&one.type_.as_str()) => {
                Some("it does not scale on a metric of accelerators or of the served model".to_owned())
            }
            [_] if min < 1 => Some("it scales to 0, and without a pod there is no accelerator to measure".to_owned()),
            [_] if max <= min => Some(format!("its maxReplicas is {max} with minReplicas {min}")),
            [_] => None,
            all => Some(format!("it has {} metrics, and a run tests one", all.len())),
        }
    }
}

fn describe_metric(metric: &MetricSpec) -> String {
    let names = [
        metric.pods.as_ref().map(|one| &one.metric.name),
        metric.object.as_ref().map(|one| &one.metric.name),
        metric.external.as_ref().map(|one| &one.metric.name),
        metric.resource.as_ref().map(|one| &one.name),
    ];
    let name = names.into_iter().flatten().next();
    format!("{} metric{}", metric.type_, name.map_or(String::new(), |name| format!(" {name}")))
}

/// Finds the first workload that runs Ollama.
pub(super) async fn find_ollama(
    reader: &mut ClusterReader<'_>,
    deployments: &[Deployment],
    stateful_sets: &[StatefulSet],
    pods: &[Pod],
) -> Option<OllamaServer> {
    let of_deployments = deployments.iter().filter_map(|one| {
        let spec = &one.spec;
        to_server("Deployment", &one.metadata, spec.replicas, spec.template.spec.as_ref()?)
    });
    let of_sets = stateful_sets.iter().filter_map(|one| {
        let spec = &one.spec;
        to_server("StatefulSet", &one.metadata, spec.replicas, spec.template.spec.as_ref()?)
    });
    let mut server = of_deployments.chain(of_sets).next()?;
    let hpas: Option<Vec<HorizontalPodAutoscaler>> =
        reader.list_in("the HPAs of Ollama's namespace", &server.namespace).await;
    let scales_it = |hpa: &HorizontalPodAutoscaler| {
        let target = &hpa.spec.scale_target_ref;
        target.kind == server.kind && target.name == server.name
    };
    let existing = |hpa: HorizontalPodAutoscaler| Some(ExistingHpa { name: hpa.metadata.name?, spec: hpa.spec });
    server.autoscalers = hpas.into_iter().flatten().filter(scales_it).filter_map(existing).collect();
    server.models = read_models(reader, &server, pods).await;
    Some(server)
}

/// A workload as a server, if one of its containers runs Ollama.
fn to_server(kind: &'static str, metadata: &ObjectMeta, replicas: Option<i32>, pod: &PodSpec) -> Option<OllamaServer> {
    let is_ollama = |image: &str| {
        let name = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        name.split(':').next() == Some("ollama")
    };
    pod.containers.iter().find(|one| one.image.as_deref().is_some_and(is_ollama))?;
    let note = |key: &str| metadata.annotations.as_ref()?.get(&format!("meta.helm.sh/{key}")).cloned();
    let chart = metadata.labels.as_ref().and_then(|labels| labels.get("helm.sh/chart"));
    let requests = requested_resources(pod);
    Some(OllamaServer {
        kind,
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
        replicas: replicas.unwrap_or(1),
        release: note("release-name").zip(note("release-namespace")),
        chart: chart.and_then(|label| split_chart(label)),
        requests: requests.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(", "),
        models: None,
        autoscalers: Vec::new(),
    })
}

/// Name and version in the label `helm.sh/chart`, where `+` in a version is written `_`.
fn split_chart(label: &str) -> Option<(String, String)> {
    let at = label
        .match_indices('-')
        .map(|(at, _)| at)
        .find(|at| label[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?;
    Some((label[..at].to_owned(), label[at + 1..].replace('_', "+")))
}

/// The models of a running pod of the server.
async fn read_models(reader: &mut ClusterReader<'_>, server: &OllamaServer, pods: &[Pod]) -> Option<Vec<String>> {
    const PORT: u16 = 11434;
    let is_of_server = |pod: &&Pod| {
        let (name, namespace) = (pod.metadata.name.as_deref(), pod.metadata.namespace.as_deref());
        let is_running = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
        is_running
            && namespace == Some(server.namespace.as_str())
            && name.is_some_and(|name| name.strip_prefix(&server.name).is_some_and(|rest| rest.starts_with('-')))
    };
    let pod = pods.iter().find(is_of_server)?.metadata.name.clone()?;
    let path = format!("/api/v1/namespaces/{}/pods/{pod}:{PORT}/proxy/api/tags", server.namespace);
    match reader.get(&path).await {
        Ok(body) => Some(model_names(&body)),
        Err(error) => {
            reader.note_unread("the models of Ollama (/api/tags)", &error);
            None
        }
    }
}

/// The names of the models, the smallest model first.
fn model_names(body: &[u8]) -> Vec<String> {
    let tags: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut models: Vec<(u64, String)> = tags["models"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|model| Some((model["size"].as_u64().unwrap_or(u64::MAX), model["name"].as_str()?.to_owned())))
        .collect();
    models.sort();
    models.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_of_a_label_is_split_at_its_version() {
        let split = |label: &str| split_chart(label).map(|(name, version)| format!("{name} {version}"));
        assert_eq!(split("ollama-1.26.0").unwrap(), "ollama 1.26.0");
        assert_eq!(split("kube-prometheus-stack-70.0.0_x").unwrap(), "kube-prometheus-stack 70.0.0+x");
        assert_eq!(split("ollama"), None);
    }

    #[test]
    fn an_hpa_is_testable_or_says_why_it_is_not() {
        let hpa = |spec: &str| ExistingHpa { name: "x".to_owned(), spec: serde_saphyr::from_str(spec).unwrap() };
        let pods = "{type: Pods, pods: {metric: {name: u}, target: {type: AverageValue, averageValue: \"1\"}}}";
        let cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization}}}";
        for (sizes, metrics, why) in [
            ("maxReplicas: 3", pods.to_owned(), None),
            ("maxReplicas: 3", cpu.to_owned(), Some("does not scale on a metric of accelerators")),
            ("maxReplicas: 3", format!("{pods}, {cpu}"), Some("it has 2 metrics")),
            ("maxReplicas: 3, minReplicas: 0", pods.to_owned(), Some("it scales to 0")),
            ("maxReplicas: 3, minReplicas: 3", pods.to_owned(), Some("maxReplicas is 3 with minReplicas 3")),
        ] {
            let found =
                hpa(&format!("{{{sizes}, scaleTargetRef: {{kind: Deployment, name: x}}, metrics: [{metrics}]}}"));
            let told = found.untestable();
            assert_eq!(told.is_some(), why.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(why.unwrap_or_default()));
        }
        let both = hpa(&format!(
            "{{maxReplicas: 3, scaleTargetRef: {{kind: Deployment, name: x}}, metrics: [{pods}, {cpu}]}}"
        ));
        assert_eq!(both.describe_metrics(), "Pods metric u, Resource metric cpu");
    }

    #[test]
    fn the_smallest_model_comes_first() {
        let body = br#"{"models": [{"name": "big", "size": 9}, {"name": "small", "size": 2}, {"name": "x"}, {}]}"#;
        assert_eq!(model_names(body), ["small", "big", "x"]);
        assert_eq!(model_names(b"no"), Vec::<String>::new());
    }
}
