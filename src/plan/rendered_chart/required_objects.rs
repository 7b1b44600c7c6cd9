//! Objects that rendered objects refer to and need: storage, runtime and priority classes, image pull Secrets, and the Service of
//! the store that a metrics adapter reads.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{namespace_of, text};
use crate::model::inventory::RequiredObject;
use crate::model::service_url::cluster_service_of_url;

/// The flag by which prometheus-adapter gets its store.
const STORE_FLAG: &str = "--prometheus-url=";

/// The objects that the chart needs and does not contain, each once.
pub(super) fn required_objects(documents: &[Value], release: &str) -> Vec<RequiredObject> {
    let all: BTreeSet<RequiredObject> = documents.iter().flat_map(|document| required_by(document, release)).collect();
    let is_rendered = |need: &RequiredObject| {
        documents.iter().any(|one| one["kind"] == need.kind.as_str() && one["metadata"]["name"] == need.name.as_str())
    };
    all.into_iter().filter(|need| !is_rendered(need)).collect()
}

fn required_by(document: &Value, release: &str) -> Vec<RequiredObject> {
    let requirer = format!("{} {}", text(&document["kind"]), text(&document["metadata"]["name"]));
    let need = |kind: &str, name: &Value| {
        let (kind, name) = (kind.to_owned(), text(name));
        RequiredObject { kind, name, required_by: requirer.clone(), ..RequiredObject::default() }
    };
    let pod = &document["spec"]["template"]["spec"];
    let mut all = Vec::new();
    for (kind, field) in [("RuntimeClass", "runtimeClassName"), ("PriorityClass", "priorityClassName")] {
        if pod[field].is_string() {
            all.push(need(kind, &pod[field]));
        }
    }
    for secret in pod["imagePullSecrets"].as_array().into_iter().flatten() {
        let namespace = Some(namespace_of(document, release));
        all.push(RequiredObject { namespace, ..need("Secret", &secret["name"]) });
    }
    let containers = pod["containers"].as_array().into_iter().flatten();
    let arguments = containers.flat_map(|one| ["command", "args"].map(|key| one[key].as_array())).flatten().flatten();
    for url in arguments.filter_map(|argument| argument.as_str()?.strip_prefix(STORE_FLAG)) {
        let Some(service) = cluster_service_of_url(url) else { continue };
        let (kind, namespace) = (RequiredObject::SERVICE.to_owned(), Some(service.namespace));
        let required_by = format!("{requirer} ({STORE_FLAG}{url})");
        all.push(RequiredObject { kind, namespace, name: service.name, required_by, is_optional: false });
    }
    let templates = document["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    let claim = Some(document).filter(|_| document["kind"] == "PersistentVolumeClaim");
    for claim in templates.chain(claim) {
        // The empty class and a volume by name need no provisioner.
        let class = &claim["spec"]["storageClassName"];
        if class != "" && !claim["spec"]["volumeName"].is_string() {
            all.push(need("StorageClass", class));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_secrets_are_found_in_every_kind() {
        let manifests = r#"
kind: PersistentVolumeClaim
metadata: {name: models}
spec: {storageClassName: longhorn}
---
kind: PersistentVolumeClaim
metadata: {name: plain}
spec: {}
---
kind: PersistentVolumeClaim
metadata: {name: by-hand}
spec: {storageClassName: ""}
---
kind: Deployment
metadata: {name: ollama}
spec: {template: {spec: {runtimeClassName: nvidia, imagePullSecrets: [{name: registry}, {name: own}]}}}
---
kind: Deployment
metadata: {name: adapter}
spec: {template: {spec: {containers: [{args: [--secure-port=6443, "--prometheus-url=http://vm.monitoring.svc:8428"]}]}}}
---
kind: Deployment
metadata: {name: elsewhere}
spec: {template: {spec: {containers: [{args: ["--prometheus-url=https://prom.example.org"]}]}}}
---
kind: Secret
metadata: {name: own}
---
kind: StatefulSet
metadata: {name: each}
spec: {template: {spec: {}}, volumeClaimTemplates: [{spec: {storageClassName: local}}]}
"#;
        let documents = super::super::parse_documents(manifests).unwrap();
        let found: Vec<String> = required_objects(&documents, "ai")
            .into_iter()
            .map(|n| format!("{} {:?} by {}", n.kind, n.name, n.required_by))
            .collect();
        assert_eq!(
            found,
            [
                "RuntimeClass \"nvidia\" by Deployment ollama",
                "Secret \"registry\" by Deployment ollama",
                "Service \"vm\" by Deployment adapter (--prometheus-url=http://vm.monitoring.svc:8428)",
                "StorageClass \"\" by PersistentVolumeClaim plain",
                "StorageClass \"local\" by StatefulSet each",
                "StorageClass \"longhorn\" by PersistentVolumeClaim models",
            ]
        );
    }
}
