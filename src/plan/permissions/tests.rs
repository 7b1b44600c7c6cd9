//! `ci/rbac.yaml` and the table have the same permissions.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::model::inventory::{Inventory, RenderedObject};
use crate::plan::rendered_chart::parse_rendered_chart;

const RBAC: &str = include_str!("../../../ci/rbac.yaml");
const RBAC_KEDA: &str = include_str!("../../../ci/rbac-keda.yaml");
/// The charts as helm renders them; `ci/on-rig rights` checks that it still does.
const RENDERED_CHARTS: [(&str, &str, &str); 2] = [
    ("ollama", "gpuhpa", include_str!("../../../fixtures/rendered/ollama.yaml")),
    ("prometheus-adapter", "gpuhpa-metrics", include_str!("../../../fixtures/rendered/prometheus-adapter.yaml")),
];

/// Stage, verb, group, resource, namespace, name.
type PermissionKey = (String, String, String, String, String, String);

fn built_in() -> Scenario {
    let text = include_str!("../../../scenarios/ollama-gpu-utilization.yaml");
    serde_saphyr::from_str(text).unwrap()
}

fn inventory(scenario: &Scenario) -> Inventory {
    let mut inventory = Inventory::default();
    for (name, namespace, manifests) in RENDERED_CHARTS {
        let mut facts = parse_rendered_chart(scenario, namespace, manifests).unwrap();
        facts.objects.iter_mut().for_each(fill_discovery);
        inventory.charts.insert(name.to_owned(), facts);
    }
    inventory
}

/// What discovery reports for the kinds that the charts render.
fn fill_discovery(object: &mut RenderedObject) {
    if ["ClusterRole", "ClusterRoleBinding", "APIService"].contains(&object.kind.as_str()) {
        object.namespace = None;
    }
    object.plural = Some(request::guess_plural(&object.kind));
}

fn permission_key(permission: &PermissionCheck) -> PermissionKey {
    let stage = format!("{:?}", permission.stage).to_lowercase();
    let PermissionCheck { verb, group, resource, namespace, resource_name: name, .. } = permission.clone();
    (stage, verb, group, resource, namespace, name)
}

/// The permissions that the roles of a file grant; each role must be bound.
fn rbac_file_permissions(file: &str) -> Vec<PermissionKey> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(file).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(text).collect() };
    let id = |kind: &str, document: &Value, name: &Value| {
        (kind.to_owned(), text(&document["metadata"]["namespace"]), text(name))
    };
    let (mut all, mut roles, mut bound) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for document in &documents {
        let kind = text(&document["kind"]);
        if kind.ends_with("Binding") {
            let role = &document["roleRef"];
            bound.insert(id(role["kind"].as_str().unwrap(), document, &role["name"]));
            assert_eq!(document["subjects"][0]["name"], "gpuhpa");
        } else if kind.ends_with("Role") {
            let role = id(&kind, document, &document["metadata"]["name"]);
            let stage = role.2.strip_prefix("gpuhpa-").unwrap().trim_end_matches("-keda").to_owned();
            for rule in document["rules"].as_array().unwrap() {
                let mut names = list(&rule["resourceNames"]);
                if names.is_empty() {
                    names.push(String::new());
                }
                for group in list(&rule["apiGroups"]) {
                    for resource in list(&rule["resources"]) {
                        for verb in list(&rule["verbs"]) {
                            all.extend(names.iter().map(|name| {
                                let namespace = role.1.clone();
                                (stage.clone(), verb.clone(), group.clone(), resource.clone(), namespace, name.clone())
                            }));
                        }
                    }
                }
            }
            roles.insert(role);
        }
    }
    assert_eq!(roles, bound, "every role is bound, and nothing else is");
    all
}

#[test]
fn the_file_grants_exactly_the_permissions_of_the_table() {
    let scenario = built_in();
    let mut needed = run_permissions(&scenario, &[]);
    needed.extend(install_permissions(&scenario, &inventory(&scenario), scenario.releases.keys()));
    let needed: BTreeSet<PermissionKey> = needed.iter().map(permission_key).collect();
    let granted = rbac_file_permissions(RBAC);
    let unique: BTreeSet<PermissionKey> = granted.iter().cloned().collect();
    assert_eq!(granted.len(), unique.len(), "a permission is granted twice in one stage");
    let missing: Vec<_> = needed.difference(&unique).collect();
    let unused: Vec<_> = unique.difference(&needed).collect();
    assert!(missing.is_empty() && unused.is_empty(), "ci/rbac.yaml lacks {missing:#?}, and nothing needs {unused:#?}");
}

/// The scenario with a ScaledObject.
fn keda() -> Scenario {
    let keda: Scenario = serde_saphyr::from_str(include_str!("../../../scenarios/ollama-keda.yaml")).unwrap();
    let mut scenario = Scenario { scaled_object: keda.scaled_object, ..built_in() };
    scenario.releases.remove("prometheus-adapter");
    scenario.hpa.spec = crate::hpa::scaled_object_hpa_spec(&scenario.scaled_object.as_ref().unwrap().spec, "").unwrap();
    scenario
}

#[test]
fn the_file_for_keda_adds_exactly_what_its_scenario_needs() {
    let keys = |permissions: Vec<PermissionCheck>| permissions.iter().map(permission_key).collect::<BTreeSet<_>>();
    let known: BTreeSet<PermissionKey> = rbac_file_permissions(RBAC).into_iter().collect();
    let added: BTreeSet<PermissionKey> = rbac_file_permissions(RBAC_KEDA).into_iter().collect();
    let needed = keys(run_permissions(&keda(), &[]));
    assert_eq!(needed.difference(&known).cloned().collect::<BTreeSet<_>>(), added);
    // Least rights: the HPA is KEDA's, and is only read.
    let writes = |(_, verb, _, resource, ..): &&PermissionKey| {
        resource == "horizontalpodautoscalers" && !["get", "list", "watch"].contains(&verb.as_str())
    };
    assert_eq!(needed.iter().find(writes), None);
    let adopted = Scenario { scaled_object: None, adopt: Some(serde_saphyr::from_str("hpa: x").unwrap()), ..keda() };
    let of_adopted = keys(run_permissions(&adopted, &[]));
    assert_eq!(of_adopted.iter().find(writes), None);
    let of_keda: Vec<_> = of_adopted.iter().filter(|(_, _, group, ..)| group == "keda.sh").collect();
    assert!(of_keda.len() == 1 && added.contains(of_keda[0]) && of_keda[0].1 == "get", "{of_keda:?}");
}

#[test]
fn what_a_pass_does_not_need_is_optional() {
    let optional: BTreeSet<(String, String)> = run_permissions(&built_in(), &[])
        .into_iter()
        .filter(|permission| !permission.required)
        .map(|permission| (permission.namespace, permission.resource))
        .collect();
    for permission in [("monitoring", "services/proxy"), ("gpu-operator", "pods"), ("gpu-operator", "pods/proxy")] {
        assert!(optional.contains(&(permission.0.to_owned(), permission.1.to_owned())), "{permission:?}");
    }
    assert!(!optional.contains(&("gpuhpa".to_owned(), "pods/gpu_utilization".to_owned())));
}

#[test]
fn a_missing_namespace_needs_the_permission_to_create_it() {
    let creates = |missing: &[String]| {
        run_permissions(&built_in(), missing)
            .iter()
            .any(|permission| permission.resource == "namespaces" && permission.verb == "create")
    };
    assert!(!creates(&[]) && creates(&["gpuhpa".to_owned()]));
}
