//! The resource claims (DRA) of a rendered target, and rendered claims that no API server takes.

use serde_json::Value;

use super::text;
use crate::model::resource_claims::{DeviceRequest, TargetClaim};

const GROUP: &str = "resource.k8s.io/";
/// Versions in which a request states its DeviceClass itself; later ones have it under `exactly`.
const FLAT_VERSIONS: [&str; 2] = ["v1alpha3", "v1beta1"];
/// What a request states of its devices: itself in the old versions, under `exactly` since.
const DEVICE_KEYS: [&str; 6] =
    ["deviceClassName", "count", "allocationMode", "selectors", "adminAccess", "tolerations"];

/// The entries of the target's `resourceClaims`. gpuhpa does not read a claim of which the chart renders no object.
pub(super) fn target_claims(workload: &Value, documents: &[Value]) -> Vec<TargetClaim> {
    let entries = workload["spec"]["template"]["spec"]["resourceClaims"].as_array();
    let claim = |entry: &Value| {
        let name = |key: &str| entry[key].as_str().map(ToOwned::to_owned);
        let (template, claim) = (name("resourceClaimTemplateName"), name("resourceClaimName"));
        let (kind, of_kind) = match &template {
            Some(template) => ("ResourceClaimTemplate", template),
            None => ("ResourceClaim", claim.as_ref()?),
        };
        let is_object = |one: &&Value| one["kind"] == kind && one["metadata"]["name"] == of_kind.as_str();
        let requests = documents.iter().find(is_object).map(device_requests);
        Some(TargetClaim { name: text(&entry["name"]), template, claim, requests })
    };
    entries.into_iter().flatten().filter_map(claim).collect()
}

/// Rendered claims and templates that the API server refuses by the rules of their own version.
pub(super) fn claim_faults(documents: &[Value]) -> Vec<String> {
    let of_group = |document: &&Value| document["apiVersion"].as_str().is_some_and(|one| one.starts_with(GROUP));
    documents.iter().filter(of_group).flat_map(document_faults).collect()
}

fn claim_spec(document: &Value) -> Option<&Value> {
    match document["kind"].as_str()? {
        "ResourceClaimTemplate" => Some(&document["spec"]["spec"]),
        "ResourceClaim" => Some(&document["spec"]),
        _ => None,
    }
}

fn requests(document: &Value) -> impl Iterator<Item = &Value> {
    let spec = claim_spec(document);
    spec.and_then(|spec| spec["devices"]["requests"].as_array()).into_iter().flatten()
}

fn version(document: &Value) -> &str {
    document["apiVersion"].as_str().unwrap_or_default().trim_start_matches(GROUP)
}

fn document_faults(document: &Value) -> Vec<String> {
    let version = version(document);
    let is_flat = FLAT_VERSIONS.contains(&version);
    let object = format!("{} {}", text(&document["kind"]), text(&document["metadata"]["name"]));
    let fault = |request: &Value| {
        let name = text(&request["name"]);
        let stated: Vec<&str> = DEVICE_KEYS.into_iter().filter(|key| !request[key].is_null()).collect();
        match (is_flat, request["exactly"].is_null(), request["firstAvailable"].is_null()) {
            (false, true, true) if !stated.is_empty() => Some(format!(
                "{object}: request {name} states {} itself, as resource.k8s.io/v1beta1 has it; {version} wants it under `exactly`",
                stated.join(" and ")
            )),
            (false, true, true) => Some(format!("{object}: request {name} has neither `exactly` nor `firstAvailable`")),
            (false, false, false) => Some(format!("{object}: request {name} has both `exactly` and `firstAvailable`")),
            (true, false, _) => Some(format!(
                "{object}: request {name} has `exactly`, which resource.k8s.io/{version} does not know: it states deviceClassName itself"
            )),
            _ => None,
        }
    };
    requests(document).filter_map(fault).collect()
}

fn device_requests(document: &Value) -> Vec<DeviceRequest> {
    requests(document).map(device_request).collect()
}

fn device_request(request: &Value) -> DeviceRequest {
    let alternatives = request["firstAvailable"].as_array();
    let first = alternatives.and_then(|all| all.first());
    let wanted = first.unwrap_or(if request["exactly"].is_null() { request } else { &request["exactly"] });
    let not_counted = if alternatives.is_some_and(|all| all.len() > 1) {
        Some("it has alternatives (firstAvailable)")
    } else if wanted["selectors"].as_array().is_some_and(|all| !all.is_empty()) {
        Some("it has selectors of its own")
    } else if wanted["allocationMode"] == "All" {
        Some("it wants all devices of a node")
    } else {
        None
    };
    DeviceRequest {
        name: text(&request["name"]),
        device_class: text(&wanted["deviceClassName"]),
        count: wanted["count"].as_i64().unwrap_or(1),
        not_counted: not_counted.map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(version: &str, request: &Value) -> Value {
        json!({"apiVersion": format!("resource.k8s.io/{version}"), "kind": "ResourceClaimTemplate",
            "metadata": {"name": "ollama"}, "spec": {"spec": {"devices": {"requests": [request]}}}})
    }

    #[test]
    fn the_claims_of_a_target_are_those_of_its_templates_or_one_for_all() {
        let target = json!({"spec": {"template": {"spec": {"resourceClaims": [
            {"name": "gpu", "resourceClaimTemplateName": "ollama"}, {"name": "all", "resourceClaimName": "shared"}]}}}});
        let request = json!({"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 2}});
        let claims = target_claims(&target, &[target.clone(), template("v1", &request)]);
        let requests = claims[0].requests.clone().unwrap();
        assert_eq!((requests[0].device_class.as_str(), requests[0].count), ("gpu.nvidia.com", 2));
        assert_eq!(claims[0].template.as_deref(), Some("ollama"));
        let all = TargetClaim { name: "all".to_owned(), claim: Some("shared".to_owned()), ..TargetClaim::default() };
        assert_eq!(claims[1], all);
    }

    #[test]
    fn devices_that_cannot_be_counted_are_told() {
        for (request, reason) in [
            (json!({"firstAvailable": [{"deviceClassName": "a"}, {"deviceClassName": "b"}]}), Some("alternatives")),
            (json!({"exactly": {"deviceClassName": "a", "selectors": [{"cel": {}}]}}), Some("selectors of its own")),
            (json!({"exactly": {"deviceClassName": "a", "allocationMode": "All"}}), Some("all devices")),
            (json!({"deviceClassName": "a"}), None),
        ] {
            let read = device_request(&request);
            assert_eq!(read.device_class, "a");
            match (&read.not_counted, reason) {
                (Some(text), Some(reason)) => assert!(text.contains(reason), "{text}"),
                (found, expected) => assert_eq!(found.as_deref(), expected),
            }
        }
    }

    #[test]
    fn a_template_in_the_form_of_another_version_is_refused() {
        let flat = json!({"name": "gpu", "deviceClassName": "gpu.nvidia.com", "count": 1});
        let nested = json!({"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com"}});
        let faults = |version: &str, request: &Value| claim_faults(&[template(version, request)]);
        assert_eq!(
            faults("v1", &flat),
            ["ResourceClaimTemplate ollama: request gpu states deviceClassName and count itself, as \
              resource.k8s.io/v1beta1 has it; v1 wants it under `exactly`"]
        );
        assert_eq!(faults("v1beta2", &flat).len(), 1);
        assert_eq!(faults("v1beta1", &nested).len(), 1);
        assert_eq!(faults("v1", &json!({"name": "gpu"})).len(), 1);
        for (version, request) in [("v1", &nested), ("v1beta2", &nested), ("v1beta1", &flat)] {
            assert!(faults(version, request).is_empty(), "{version}");
        }
    }
}
