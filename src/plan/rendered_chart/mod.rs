//! Parses the manifests of a chart: the target's replicas and resources, APIServices, roles, and required objects.

mod claims;
mod images;
mod pod_template;
mod required_objects;
mod roles;

use serde_json::Value;

use crate::model::inventory::{ChartSummary, RenderedObject};
use crate::model::manifest::sha256_hex;
use crate::model::scenario::Scenario;
use crate::snapshot::requested_resources;

/// Parses rendered manifests.
///
/// # Errors
/// The manifests are not YAML; the text says where.
pub(crate) fn parse_rendered_chart(
    scenario: &Scenario,
    namespace: &str,
    manifests: &str,
) -> Result<ChartSummary, String> {
    let documents = parse_documents(manifests)?;
    let target = &scenario.hpa.spec.scale_target_ref;
    let in_target_namespace = namespace == scenario.namespace;
    let is_target = |d: &&Value| {
        in_target_namespace && d["kind"] == target.kind.as_str() && d["metadata"]["name"] == target.name.as_str()
    };
    let workload = documents.iter().find(is_target);
    let services = documents.iter().filter(|d| d["kind"] == "APIService");
    Ok(ChartSummary {
        rendered_digest: sha256_hex(manifests.as_bytes()),
        target_replicas: workload.and_then(|w| w["spec"]["replicas"].as_i64()).and_then(|n| i32::try_from(n).ok()),
        target_resources: workload.map(|workload| requested_resources(&pod_template::pod_spec(workload))),
        target_claims: workload.map(|workload| claims::target_claims(workload, &documents)).unwrap_or_default(),
        claim_faults: claims::claim_faults(&documents),
        target_autoscalers: documents
            .iter()
            .filter(|document| {
                namespace_of(document, namespace) == scenario.namespace && scales_target(document, scenario)
            })
            .map(|document| format!("{} {}", text(&document["kind"]), text(&document["metadata"]["name"])))
            .collect(),
        api_services: services.filter_map(|d| d["metadata"]["name"].as_str().map(ToOwned::to_owned)).collect(),
        objects: documents.iter().filter_map(|document| rendered_object(document, namespace)).collect(),
        grants: documents.iter().flat_map(|document| roles::grants(document, namespace)).collect(),
        bound_roles: documents.iter().filter_map(|document| roles::binding(document, namespace, &documents)).collect(),
        volume_claim_templates: workload.map(claim_templates).unwrap_or_default(),
        required_objects: required_objects::required_objects(&documents, namespace),
        images: images::container_images(&documents),
        node_ports: documents.iter().flat_map(|document| node_ports(document, namespace)).collect(),
        ..ChartSummary::default()
    })
}

/// True for an HPA on the target, and for a ScaledObject of KEDA, which makes one.
fn scales_target(document: &Value, scenario: &Scenario) -> bool {
    let is_autoscaler = document["kind"] == "HorizontalPodAutoscaler" || document["kind"] == "ScaledObject";
    let (target, of_document) = (&scenario.hpa.spec.scale_target_ref, &document["spec"]["scaleTargetRef"]);
    // KEDA's default; an HPA always states its kind.
    let kind = of_document["kind"].as_str().unwrap_or("Deployment");
    is_autoscaler && kind == target.kind && of_document["name"] == target.name.as_str()
}

/// The documents of rendered manifests.
///
/// # Errors
/// They are not YAML; the text says where.
pub(super) fn parse_documents(manifests: &str) -> Result<Vec<Value>, String> {
    serde_saphyr::from_multiple(manifests).map_err(|e| e.without_snippet().to_string())
}

fn claim_templates(workload: &Value) -> Vec<String> {
    let templates = workload["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    templates.map(|template| text(&template["metadata"]["name"])).collect()
}

/// Node ports that a Service requests by number.
fn node_ports(document: &Value, release: &str) -> Vec<(String, i32)> {
    let ports = document["spec"]["ports"].as_array().filter(|_| document["kind"] == "Service");
    let name = format!("{}/{}", namespace_of(document, release), text(&document["metadata"]["name"]));
    let number = |port: &Value| port["nodePort"].as_i64().and_then(|port| i32::try_from(port).ok());
    ports.into_iter().flatten().filter_map(number).map(|port| (name.clone(), port)).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Namespace of a rendered object. Cluster-scoped kinds are not known here; discovery removes theirs.
fn namespace_of(document: &Value, release: &str) -> String {
    document["metadata"]["namespace"].as_str().unwrap_or(release).to_owned()
}

fn rendered_object(document: &Value, release: &str) -> Option<RenderedObject> {
    Some(RenderedObject {
        api_version: document["apiVersion"].as_str()?.to_owned(),
        kind: document["kind"].as_str()?.to_owned(),
        plural: None,
        namespace: Some(namespace_of(document, release)),
        name: document["metadata"]["name"].as_str()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_targets_replicas_and_accelerators_are_read_from_the_manifests() {
        let mut scenario = Scenario::default();
        scenario.hpa.spec.scale_target_ref.kind = "Deployment".to_owned();
        scenario.hpa.spec.scale_target_ref.name = "ollama".to_owned();
        let manifests = "---\n# Source: x\nkind: Deployment\nmetadata: {name: ollama}\nspec:\n  replicas: 1\n  template: {spec: {containers: [{resources: {limits: {cpu: 1, nvidia.com/gpu: 1}}}, {resources: {limits: {nvidia.com/gpu: \"1\"}}}]}}\n---\nkind: APIService\nmetadata: {name: v1beta1.custom.metrics.k8s.io}\n";
        let chart = parse_rendered_chart(&scenario, "gpuhpa", manifests).unwrap();
        assert_eq!(chart.target_replicas, Some(1));
        assert_eq!(chart.target_resources, Some(BTreeMap::from([("nvidia.com/gpu".to_owned(), 2)])));
        assert_eq!(chart.api_services, ["v1beta1.custom.metrics.k8s.io"]);
        assert_eq!(chart.target_autoscalers, Vec::<String>::new());
        assert!(parse_rendered_chart(&scenario, "gpuhpa", "a: [").is_err());
    }

    #[test]
    fn an_autoscaler_that_the_chart_renders_for_the_target_is_found() {
        let mut scenario = Scenario::default();
        scenario.hpa.spec.scale_target_ref.kind = "Deployment".to_owned();
        scenario.hpa.spec.scale_target_ref.name = "ollama".to_owned();
        let found = |kind: &str, target: &str, namespace: &str| {
            let manifest = format!("kind: {kind}\nmetadata: {{name: own}}\nspec: {{scaleTargetRef: {target}}}\n");
            parse_rendered_chart(&scenario, namespace, &manifest).unwrap().target_autoscalers
        };
        let deployment = "{kind: Deployment, name: ollama}";
        assert_eq!(found("HorizontalPodAutoscaler", deployment, "gpuhpa"), ["HorizontalPodAutoscaler own"]);
        assert_eq!(found("ScaledObject", "{name: ollama}", "gpuhpa"), ["ScaledObject own"]);
        for (kind, target, namespace) in [
            ("HorizontalPodAutoscaler", "{kind: Deployment, name: other}", "gpuhpa"),
            ("HorizontalPodAutoscaler", "{kind: StatefulSet, name: ollama}", "gpuhpa"),
            ("HorizontalPodAutoscaler", deployment, "elsewhere"),
            ("PodDisruptionBudget", deployment, "gpuhpa"),
        ] {
            assert_eq!(found(kind, target, namespace), Vec::<String>::new(), "{kind} {target} {namespace}");
        }
    }
}
