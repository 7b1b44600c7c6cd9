//! The resource claims (DRA) of the charts: of `ollama` a claim for each pod, of `ollama-claims` one claim for all pods, or a
//! template in the form of an older version of the API.

use serde_json::{Value, json};

use super::chart::ChartInstance;

const API_VERSION: &str = "resource.k8s.io/v1";
/// Name of the claim in the pod, and of its request.
const CLAIM: &str = "gpu";

/// The versions of otwld/ollama that render a template in the form of v1beta1 for every version of Kubernetes: from the first,
/// and below the second. Older ones make no claims.
const FLAT_FROM: (u64, u64) = (1, 25);
const NESTED_FROM: (u64, u64) = (1, 55);

/// What of a chart's claims the simulator does not support.
pub(super) fn find_unsupported(chart: &ChartInstance<'_>) -> Vec<String> {
    let mut lacks = chart.find_set_values(&[], &["ollama.gpu.draExistingClaimTemplate"]);
    let makes_none = match chart.name {
        "ollama" => requested_version(chart).is_some_and(|version| version < FLAT_FROM),
        name => name != "ollama-claims",
    };
    if makes_none {
        lacks.extend(chart.find_set_values(&["ollama.gpu.draEnabled"], &[]));
    }
    lacks.into_iter().map(|value| format!("resource claims (DRA): {value}")).collect()
}

/// The entry of a pod's `resourceClaims`; `None` where the values request no claim.
pub(super) fn pod_entry(chart: &ChartInstance<'_>) -> Option<Value> {
    let is_requested = chart.name == "ollama-claims"
        || (chart.is_enabled("ollama.gpu.enabled") && chart.is_enabled("ollama.gpu.draEnabled"));
    let source = if is_shared(chart) { "resourceClaimName" } else { "resourceClaimTemplateName" };
    is_requested.then(|| {
        let mut entry = json!({"name": CLAIM});
        entry[source] = json!(object_name(chart));
        entry
    })
}

/// Adds the claim to the spec of a pod and to its first container, where the values request one.
pub(super) fn add_to_pod(chart: &ChartInstance<'_>, pod: &mut Value) {
    if let Some(entry) = pod_entry(chart) {
        pod["containers"][0]["resources"]["claims"] = json!([{"name": entry["name"]}]);
        pod["resourceClaims"] = json!([entry]);
    }
}

/// The claim of all pods, or the template of their claims; `None` where the values request no claim.
pub(super) fn object(chart: &ChartInstance<'_>) -> Option<Value> {
    pod_entry(chart)?;
    let devices = json!({
        "deviceClassName": chart.value("ollama.gpu.draDriverClass"),
        "count": chart.value("ollama.gpu.number"),
    });
    let request = if has_old_form(chart) {
        let mut request = devices;
        request["name"] = json!(CLAIM);
        request
    } else {
        json!({"name": CLAIM, "exactly": devices})
    };
    let spec = json!({"devices": {"requests": [request]}});
    Some(match is_shared(chart) {
        true => chart.build_object(API_VERSION, "ResourceClaim", &object_name(chart), json!({"spec": spec})),
        false => chart.build_object(
            API_VERSION,
            "ResourceClaimTemplate",
            &object_name(chart),
            json!({"spec": {"spec": spec}}),
        ),
    })
}

fn is_shared(chart: &ChartInstance<'_>) -> bool {
    chart.name == "ollama-claims" && chart.string_value("claims") == "shared"
}

/// Whether a request states its devices itself, as v1beta1 has it.
fn has_old_form(chart: &ChartInstance<'_>) -> bool {
    match chart.name {
        "ollama-claims" => !is_shared(chart),
        _ => requested_version(chart).is_some_and(|version| version < NESTED_FROM),
    }
}

fn object_name(chart: &ChartInstance<'_>) -> String {
    if chart.name == "ollama-claims" { chart.release.name.clone() } else { chart.full_name() }
}

/// Major and minor version that the release requests; `None` for the project's own chart.
fn requested_version(chart: &ChartInstance<'_>) -> Option<(u64, u64)> {
    let mut numbers = chart.requested_version.as_deref()?.trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
