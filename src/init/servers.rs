//! Servers of models that run already: Ollama, with its release, its size and its models.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::reader::ClusterReader;
use crate::snapshot::requested_resources;

/// A workload that runs Ollama.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub(super) autoscalers: Vec<String>,
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
    server.autoscalers = hpas.into_iter().flatten().filter(scales_it).filter_map(|hpa| hpa.metadata.name).collect();
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
    fn the_smallest_model_comes_first() {
        let body = br#"{"models": [{"name": "big", "size": 9}, {"name": "small", "size": 2}, {"name": "x"}, {}]}"#;
        assert_eq!(model_names(body), ["small", "big", "x"]);
        assert_eq!(model_names(b"no"), Vec::<String>::new());
    }
}
