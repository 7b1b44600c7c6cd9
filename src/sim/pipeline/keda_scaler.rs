//! KEDA's scaler of type prometheus with its fallback (kedacore/keda v2.21.0: pkg/scalers/prometheus_scaler.go,
//! pkg/fallback/fallback.go), as both paths of the operator use it: that of the metrics server, and its own scale loop
//! (pkg/scaling/scale_handler.go). Where minReplicaCount is 1 or more, the loop takes what the metrics server has observed while
//! the HPA asks, and queries by itself otherwise.

use serde_json::Value;

use super::promql::{self, QueryValue};
use super::scaler_health::ScalerObservation;
use super::state::PipelineState;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::model::scenario::ServiceRef;
use crate::model::service_url::service_of_url;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, metadata_text};
use crate::sim::objects::condition;
use crate::sim::objects::keda::FIELD_MANAGER;
use crate::sim::objects::kinds::{DEPLOYMENT, STATEFUL_SET};

/// What a round of the scale loop finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) struct ScalerCheck {
    /// Whether the condition Fallback was set before it.
    pub(in crate::sim) was_fallback: bool,
    /// Whether the fallback is active.
    pub(in crate::sim) is_fallback: bool,
    /// The error, where there is no value and no fallback.
    pub(in crate::sim) error: Option<String>,
}

/// An observation for the metrics server.
///
/// # Errors
/// The simulator does not support the query.
pub(super) fn observe(pipeline: &PipelineState, object: &Value) -> Result<ScalerObservation, StatusError> {
    let observation = query_with_fallback(pipeline, object)?;
    pipeline.lock_keda_scalers().entry(metadata_text(object, "uid")).or_default().observed = Some(observation.clone());
    Ok(observation)
}

/// A round of the scale loop. `is_hpa_active`: the HPA asks for the metric, so that the metrics server observes it.
///
/// # Errors
/// The simulator does not support the query.
pub(super) fn check(pipeline: &PipelineState, object: &Value, is_hpa_active: bool) -> Result<ScalerCheck, StatusError> {
    let before = pipeline.lock_keda_scalers().get(&metadata_text(object, "uid")).cloned().unwrap_or_default();
    let observation = match before.observed.filter(|_| is_hpa_active) {
        Some(observed) => observed,
        None => query_with_fallback(pipeline, object)?,
    };
    let (is_fallback, error) = match observation {
        ScalerObservation::Value(_) => (false, None),
        ScalerObservation::Fallback(_) => (true, None),
        ScalerObservation::Failed(error) => (false, Some(error)),
    };
    Ok(ScalerCheck { was_fallback: before.is_fallback, is_fallback, error })
}

/// Runs the query, and takes the fallback where it has failed too often.
fn query_with_fallback(pipeline: &PipelineState, object: &Value) -> Result<ScalerObservation, StatusError> {
    let result = run_query(pipeline, &object["spec"]["triggers"][0]["metadata"])?;
    let mut scalers = pipeline.lock_keda_scalers();
    let scaler = scalers.entry(metadata_text(object, "uid")).or_default();
    let observation = scaler.record(result, &object["spec"], current_replicas(&pipeline.cluster, object));
    let is_fallback = scaler.is_fallback;
    drop(scalers);
    if !object["spec"]["fallback"].is_null() {
        set_condition(&pipeline.cluster, object, is_fallback);
    }
    Ok(observation)
}

/// The size of a ScaledObject's target: spec.replicas.
fn current_replicas(cluster: &SimCluster, object: &Value) -> f64 {
    let target = &object["spec"]["scaleTargetRef"];
    let kind = if target["kind"] == STATEFUL_SET.kind { STATEFUL_SET } else { DEPLOYMENT };
    let name = target["name"].as_str().unwrap_or_default();
    let workload = cluster.get(&kind, &metadata_text(object, "namespace"), name);
    workload.and_then(|workload| workload["spec"]["replicas"].as_f64()).unwrap_or(1.0)
}

/// Sets the condition Fallback (`updateStatus`).
fn set_condition(cluster: &SimCluster, object: &Value, is_fallback: bool) {
    let (status, reason, message) = if is_fallback {
        ("True", "FallbackExists", "At least one trigger is falling back on this scaled object")
    } else {
        ("False", "NoFallbackFound", "No fallbacks are active on this scaled object")
    };
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    let now = cluster.now();
    // The error is NotFound: the object is deleted.
    let _ = cluster.update(FieldManager::update_status(FIELD_MANAGER), &SCALED_OBJECT, &namespace, &name, |object| {
        condition::set(&mut object["status"], &now, "Fallback", status, reason, message);
    });
}

/// The single value of a trigger's query; the inner error is KEDA's, where it has none and must have one, or the store does not
/// answer.
///
/// # Errors
/// The simulator does not support the query.
fn run_query(pipeline: &PipelineState, metadata: &Value) -> Result<Result<f64, String>, StatusError> {
    let PipelineState { cluster, servers, .. } = pipeline;
    let config = &cluster.config().pipeline;
    let text = |key: &str| metadata[key].as_str().unwrap_or_default();
    let (store, address) = (config.store_service.as_ref(), text("serverAddress"));
    let is_store = is_store_address(store, &cluster.config().network.store_url, address);
    if !is_store && !store.is_some_and(|store| leads_to(store, address)) {
        let host = host_of_address(address);
        return Ok(Err(format!("Get \"{address}/api/v1/query\": dial tcp: lookup {host}: no such host")));
    }
    if !is_store || servers.is_active(config.store_missing.as_ref()) {
        return Ok(Err("prometheus query api returned error. status: 404".to_owned()));
    }
    let query = promql::parse(text("query"));
    let query = query.map_err(|lack| StatusError::not_simulated(&format!("{lack} in a ScaledObject's query")))?;
    let now_ms = config.adapter_stale.as_ref().and_then(|window| servers.active_since(window));
    let now_ms = now_ms.unwrap_or_else(|| cluster.clock().now_ms());
    // It asks for the current second.
    let second_ms = now_ms - now_ms % 1000;
    let at_ms = second_ms.min(now_ms.saturating_sub(config.store_offset.ms()));
    let ignores_null = !matches!(text("ignoreNullValues"), "false" | "False" | "FALSE" | "f" | "F" | "0");
    let unless_ignored = |error: &str| if ignores_null { Ok(0.0) } else { Err(error.to_owned()) };
    Ok(match pipeline.lock_store().evaluate(&query, at_ms) {
        Ok(QueryValue::Samples(samples)) => match &samples[..] {
            [one] if one.value.is_finite() => Ok(one.value),
            [] => unless_ignored("prometheus metrics 'prometheus' target may be lost, the result is empty"),
            [one] => unless_ignored(&format!("prometheus query returns {}", one.value)),
            _ => Err(format!("prometheus query {} returned multiple elements", text("query"))),
        },
        // It reads no scalars.
        Ok(QueryValue::Scalar(_)) => Err("json: cannot unmarshal number into Go value".to_owned()),
        Err(error) => Err(error),
    })
}

/// Whether an address is the store's, by its URL or by Service and path. A store whose Service is not known may have any.
pub(in crate::sim) fn is_store_address(store: Option<&ServiceRef>, url: &str, address: &str) -> bool {
    let is_url = !url.is_empty() && address.trim_end_matches('/') == url.trim_end_matches('/');
    let path = service_of_url(address).map(|service| service.path);
    is_url || store.is_none_or(|store| leads_to(store, address) && path.as_ref() == Some(&store.path))
}

/// Whether an address names this Service.
fn leads_to(store: &ServiceRef, address: &str) -> bool {
    service_of_url(address).is_some_and(|named| named.namespace == store.namespace && named.name == store.name)
}

fn host_of_address(address: &str) -> &str {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    host.split(['/', ':']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_found_by_url_or_service() {
        let store = ServiceRef { namespace: "monitoring".to_owned(), name: "vm".to_owned(), ..ServiceRef::default() };
        let store = Some(&store);
        for address in
            ["http://vm.monitoring.svc:8428", "http://vm.monitoring:8428/", "vm.monitoring.svc.cluster.local"]
        {
            assert!(is_store_address(store, "", address), "{address}");
        }
        for address in [
            "http://vm.other.svc:8428",
            "http://vm.monitoring.svc:8428/other",
            "http://vm:8428",
            "https://vm.monitoring.example.org",
            "",
        ] {
            assert!(!is_store_address(store, "", address), "{address}");
        }
        assert!(is_store_address(store, "https://vm.example.org", "https://vm.example.org/"));
        assert!(is_store_address(None, "", "https://any.example.org"));
    }
}
