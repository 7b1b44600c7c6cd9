//! The Services of the stores that a run reads: by its adapter, by its ScaledObject, and by gpuhpa itself.

use k8s_openapi::api::core::v1::Service;

use crate::model::inventory::{Inventory, RequiredObject};
use crate::model::scenario::Scenario;
use crate::model::service_url::cluster_service_of_url;

/// The Services that the scenario itself names, each with its key. A chart's are in its summary.
pub(super) fn required_services(scenario: &Scenario) -> Vec<RequiredObject> {
    let need = |namespace: &str, name: &str, key: String, is_optional: bool| RequiredObject {
        kind: RequiredObject::SERVICE.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
        required_by: key,
        is_optional,
    };
    let store = scenario.metric.store.as_ref().and_then(|store| store.service.as_ref());
    let mut all: Vec<RequiredObject> =
        store.into_iter().map(|one| need(&one.namespace, &one.name, "metric.store.service".to_owned(), true)).collect();
    let triggers = scenario.scaled_object.as_ref().and_then(|object| object.spec.get("triggers")?.as_array());
    for (index, trigger) in triggers.into_iter().flatten().enumerate() {
        let address = trigger["metadata"]["serverAddress"].as_str().unwrap_or_default();
        if let Some(service) = cluster_service_of_url(address) {
            let key = format!("scaledObject.spec.triggers.{index}.metadata.serverAddress: {address}");
            all.push(need(&service.namespace, &service.name, key, false));
        }
    }
    all
}

/// True if the cluster's Services were read and neither they nor the charts have this one.
pub(super) fn is_missing(services: Option<&[Service]>, inventory: &Inventory, required: &RequiredObject) -> bool {
    let is_required =
        |namespace: Option<&str>, name: &str| namespace == required.namespace.as_deref() && name == required.name;
    let mut rendered =
        inventory.charts.values().flat_map(|chart| &chart.objects).filter(|one| one.kind == required.kind);
    let is_rendered = rendered.any(|one| is_required(one.namespace.as_deref(), &one.name));
    let is_there = |service: &Service| {
        let metadata = &service.metadata;
        is_required(metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default())
    };
    !is_rendered && services.is_some_and(|all| !all.iter().any(is_there))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::inventory::{ChartSummary, RenderedObject};

    #[test]
    fn a_store_is_missing_only_if_the_services_were_read() {
        let text = include_str!("../../../scenarios/ollama-gpu-utilization.yaml");
        let mut scenario: Scenario = serde_saphyr::from_str(text).unwrap();
        let trigger = json!({"metadata": {"serverAddress": "http://vm.other.svc:8428"}});
        let spec = json!({"triggers": [trigger, {"metadata": {"serverAddress": "https://prom.example.org"}}]});
        scenario.scaled_object = Some(serde_json::from_value(json!({"spec": spec})).unwrap());
        let all = required_services(&scenario);
        let names: Vec<String> = all.iter().map(|one| format!("{} {}", one.name, one.required_by)).collect();
        let key = "scaledObject.spec.triggers.0.metadata.serverAddress: http://vm.other.svc:8428";
        assert_eq!(names, ["prometheus-operated metric.store.service".to_owned(), format!("vm {key}")]);

        let mut inventory = Inventory::default();
        assert!(!is_missing(None, &inventory, &all[1]));
        assert!(is_missing(Some(&[]), &inventory, &all[1]));
        let service: Service =
            serde_json::from_value(json!({"metadata": {"name": "vm", "namespace": "other"}})).unwrap();
        assert!(!is_missing(Some(std::slice::from_ref(&service)), &inventory, &all[1]));
        assert!(is_missing(Some(&[service]), &inventory, &all[0]));
        let object = RenderedObject {
            kind: "Service".to_owned(),
            namespace: Some("other".to_owned()),
            name: "vm".to_owned(),
            ..RenderedObject::default()
        };
        inventory.charts.insert("vm".to_owned(), ChartSummary { objects: vec![object], ..ChartSummary::default() });
        assert!(!is_missing(Some(&[]), &inventory, &all[1]));
    }
}
