//! The head of the scenario: which cluster it is for, what it showed, and what could not be read.

use crate::init::ClusterFindings;
use crate::init::metrics_apis::ServedApi;
use crate::init::yaml_text::YamlText;

pub(super) fn write(yaml: &mut YamlText, found: &ClusterFindings, origin: &str) {
    yaml.comment(0, &format!("Written by `gpuhpa init` for {origin}, Kubernetes {}.", found.kubernetes_version));
    yaml.comment(
        0,
        "What the cluster showed is a key below, with its source; what it did not show is a comment with what to do. Keys that are not here are those of the base scenario.",
    );
    yaml.comment(0, "");
    for line in accelerators(found) {
        yaml.comment(0, &line);
    }
    for line in metrics_apis(found) {
        yaml.comment(0, &line);
    }
    if !found.unread.is_empty() {
        yaml.comment(0, "");
        yaml.comment(
            0,
            "Not readable with these rights (ci/rbac-init.yaml in the repository of gpuhpa has all that init uses):",
        );
        for line in &found.unread {
            yaml.comment(0, &format!("- {line}"));
        }
    }
    yaml.blank();
}

fn accelerators(found: &ClusterFindings) -> Vec<String> {
    let nodes = &found.accelerators;
    if !nodes.is_read {
        return vec!["Accelerators: the nodes could not be read.".to_owned()];
    }
    let mut all = Vec::new();
    for one in &nodes.resources {
        let free = one.free.map_or("free: unknown".to_owned(), |free| format!("free: {free}"));
        all.push(format!("Accelerators: {}, {} on {}, {free}.", one.name, one.allocatable, count_nodes(one.nodes)));
    }
    let drivers = nodes.dra_drivers.iter().flatten();
    let drivers: Vec<String> = drivers.map(|(driver, devices)| format!("{driver} ({devices} devices)")).collect();
    if !drivers.is_empty() {
        all.push(format!("Dynamic resource allocation: {}.", drivers.join(", ")));
    }
    if nodes.resources.is_empty() {
        all.push(match drivers.is_empty() {
            true => "Accelerators: no Ready node offers any. No run can pass before a device plugin or a DRA driver offers some.".to_owned(),
            false => "No node offers an extended resource: the pods of the target must request their devices by resource claims, in the values of the release.".to_owned(),
        });
    }
    let labels: Vec<String> = nodes.labels.iter().map(|(label, nodes)| format!("{label} ({nodes})")).collect();
    if !labels.is_empty() {
        all.push(format!("Node labels, with the number of nodes: {}.", labels.join(", ")));
    }
    let sharing: Vec<&str> = nodes.sharing().into_iter().collect();
    if !sharing.is_empty() {
        all.push(format!(
            "Several pods may share one device ({}): then a metric by pod does not tell them apart, and the run can be INCONCLUSIVE.",
            sharing.join(", ")
        ));
    }
    all
}

fn metrics_apis(found: &ClusterFindings) -> Vec<String> {
    let apis = &found.metrics_apis;
    if !apis.is_read {
        return vec!["Metrics APIs: the APIServices could not be read.".to_owned()];
    }
    let describe = |name: &str, api: &Option<ServedApi>| match api {
        Some(api) if api.is_available => format!("{name} is served by Service {}", api.service),
        Some(api) => format!("{name} belongs to Service {}, which does not answer", api.service),
        None => format!("nothing serves {name}"),
    };
    let (custom, external) =
        (describe("custom.metrics.k8s.io", &apis.custom), describe("external.metrics.k8s.io", &apis.external));
    let mut all = vec![format!("Metrics APIs: {custom}; {external}.")];
    if !apis.scaled_objects.is_empty() {
        let names: Vec<String> =
            apis.scaled_objects.iter().map(|one| format!("{}/{}", one.namespace, one.name)).collect();
        all.push(format!("KEDA has the ScaledObjects {}.", names.join(", ")));
    }
    all
}

fn count_nodes(nodes: usize) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") }
}
