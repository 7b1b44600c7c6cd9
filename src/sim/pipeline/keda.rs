//! KEDA's metrics server (kedacore/keda v2.21.0: pkg/provider/provider.go, pkg/scaling/scale_handler.go): each request for the
//! metric of a ScaledObject runs its query in the store.

use serde_json::{Map, Value};

use super::keda_scaler;
use super::promql;
use super::scaler_health::ScalerObservation;
use super::state::PipelineState;
use crate::hpa::{SCALED_OBJECT_LABEL, SCALED_OBJECT_METRIC};
use crate::metrics::selector::parse_selector;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::sim::cluster::StatusError;
use crate::sim::config::DistortionHop;

/// Keys of a prometheus trigger's metadata that the simulator knows. What its connection is made of does not matter here.
const METADATA: [&str; 7] =
    ["serverAddress", "query", "threshold", "activationThreshold", "ignoreNullValues", "unsafeSsl", "timeout"];
/// Keys of a trigger. A name changes nothing where there is one trigger.
const TRIGGER: [&str; 4] = ["type", "name", "metricType", "metadata"];
/// Keys of a ScaledObject's spec. The periods concern its operator's own scaling, below minReplicaCount 1.
const SPEC: [&str; 9] = [
    "scaleTargetRef",
    "minReplicaCount",
    "maxReplicaCount",
    "pollingInterval",
    "cooldownPeriod",
    "initialCooldownPeriod",
    "triggers",
    "fallback",
    "advanced",
];

/// What of a ScaledObject's spec the simulator does not support, each with its place below the spec.
pub(in crate::sim) fn find_unsupported(spec: &Map<String, Value>) -> Vec<String> {
    let unknown = |object: &Map<String, Value>, known: &[&str], place: &str| -> Vec<String> {
        let is_unknown = |(key, value): &(&String, &Value)| !known.contains(&key.as_str()) && !value.is_null();
        object.iter().filter(is_unknown).map(|(key, _)| format!("{place}{key}")).collect()
    };
    let null = Value::Null;
    let (advanced, fallback) = (spec.get("advanced").unwrap_or(&null), spec.get("fallback").unwrap_or(&null));
    let trigger = spec.get("triggers").and_then(|all| all.get(0)).unwrap_or(&null);
    let below = [
        (Some(spec), &SPEC[..], ""),
        (advanced.as_object(), &["horizontalPodAutoscalerConfig"], "advanced."),
        (fallback.as_object(), &["failureThreshold", "replicas", "behavior"], "fallback."),
        (trigger.as_object(), &TRIGGER, "triggers.0."),
        (trigger["metadata"].as_object(), &METADATA, "triggers.0.metadata."),
    ];
    let mut lacks: Vec<String> = below
        .into_iter()
        .flat_map(|(object, known, place)| object.map(|object| unknown(object, known, place)).unwrap_or_default())
        .collect();
    if fallback["behavior"] == "scalingModifiers" {
        lacks.push("fallback.behavior: scalingModifiers".to_owned());
    }
    if !fallback.is_null() && trigger["metricType"] == "Value" {
        lacks.push("fallback of a metric of type Value".to_owned());
    }
    let in_query = promql::find_unsupported(trigger["metadata"]["query"].as_str().unwrap_or_default());
    lacks.extend(in_query.into_iter().map(|lack| format!("{lack} in triggers.0.metadata.query")));
    lacks
}

/// The names of the series that a query of a ScaledObject selects; empty where it is not supported.
pub(in crate::sim) fn queried_series(spec: &Map<String, Value>) -> Vec<String> {
    let query = spec.get("triggers").and_then(|all| all[0]["metadata"]["query"].as_str());
    let expression = query.and_then(|query| promql::parse(query).ok());
    let mut names = Vec::new();
    if let Some(expression) = &expression {
        expression.visit_selectors(&mut |selector| names.push(selector.name.clone()));
    }
    names
}

/// The value of a ScaledObject's metric: of its query, or of its fallback.
pub(super) fn scaled_object_metric(
    pipeline: &PipelineState,
    namespace: &str,
    metric: &str,
    selector: &str,
) -> Result<f64, StatusError> {
    let PipelineState { cluster, servers, .. } = pipeline;
    let failed = |text: String| StatusError::new(500, "InternalError", text);
    let of_operator =
        |text: String| failed(format!("rpc error: code = Unknown desc = error when getting metric values {text}"));
    let selector = parse_selector(selector).map_err(|lack| StatusError::not_simulated(&lack))?;
    let name = selector.into_iter().find_map(|expression| match expression {
        kube::core::Expression::Equal(key, value) if key == SCALED_OBJECT_LABEL => Some(value),
        _ => None,
    });
    let name = name.ok_or_else(|| failed("scaledObject name is not specified".to_owned()))?;
    if servers.is_active(cluster.config().pipeline.keda_away.as_ref()) {
        let text = "timeout while waiting to establish gRPC connection to KEDA Metrics Service server";
        return Err(failed(text.to_owned()));
    }
    let object = cluster.get(&SCALED_OBJECT, namespace, &name);
    let missing = || of_operator(format!("error getting scalers ScaledObject.keda.sh \"{name}\" not found"));
    let object = object.ok_or_else(missing)?;
    if metric != SCALED_OBJECT_METRIC {
        return Err(of_operator(format!("no matching metrics found for {metric}")));
    }
    match keda_scaler::observe(pipeline, &object)? {
        ScalerObservation::Value(value) => Ok(distort(pipeline, value)),
        ScalerObservation::Fallback(constant) => Ok(constant),
        ScalerObservation::Failed(_) => Err(of_operator(format!("metric:{metric} encountered error"))),
    }
}

fn distort(pipeline: &PipelineState, value: f64) -> f64 {
    let distortion = pipeline.cluster.config().pipeline.distortion.as_ref();
    let distortion = distortion.filter(|it| it.hop == DistortionHop::Adapter);
    let distortion = distortion.filter(|it| pipeline.servers.is_active(Some(&it.window)));
    distortion.map_or(value, |it| it.kind.apply(value))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::clock::RunClock;
    use crate::model::service_url::service_of_url;
    use crate::sim::cluster::SimCluster;
    use crate::sim::config::{ActiveWindow, SimConfig};
    use crate::sim::fixtures::create_object;
    use crate::sim::ollama::ServerRegistry;

    const SELECTOR: &str = "scaledobject.keda.sh/name=llm";

    /// A store with two series `u` of the current second, and a ScaledObject with this trigger metadata and fallback.
    fn pipeline_with(metadata: &Value, fallback: &Value, edit: impl FnOnce(&mut SimConfig)) -> PipelineState {
        let mut config = SimConfig::default();
        config.pipeline.store_offset = crate::units::HumanDuration::from_ms(0);
        edit(&mut config);
        let cluster = SimCluster::new(RunClock::start_at("2026-01-01T00:00:00Z".parse().unwrap()), config);
        let trigger = json!({"type": "prometheus", "metadata": metadata});
        let object = json!({"metadata": {"namespace": "ai", "name": "llm"},
            "spec": {"triggers": [trigger], "fallback": fallback}});
        create_object(&cluster, SCALED_OBJECT, object);
        let servers = ServerRegistry::new(cluster.clone());
        let pipeline = PipelineState::new(cluster, servers);
        for (pod, value) in [("a", 20.0), ("b", 60.0)] {
            let labels = Arc::new([("pod".to_owned(), pod.to_owned())].into());
            pipeline.lock_store().append_sample("u", &labels, 0, value);
        }
        pipeline
    }

    fn served(pipeline: &PipelineState) -> Result<f64, String> {
        scaled_object_metric(pipeline, "ai", "s0-prometheus", SELECTOR).map_err(|error| error.message)
    }

    fn value_of(query: &str, ignore_null_values: Option<&str>) -> Result<f64, String> {
        let metadata = json!({"serverAddress": "http://store.monitoring:9090", "query": query, "threshold": "30",
            "ignoreNullValues": ignore_null_values});
        served(&pipeline_with(&metadata, &Value::Null, |_| ()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_needs_one_value_unless_null_values_are_ignored() {
        let failed = Err("rpc error: code = Unknown desc = error when getting metric values metric:s0-prometheus \
                          encountered error"
            .to_owned());
        assert_eq!(value_of("sum(u)", Some("false")), Ok(80.0));
        assert_eq!(value_of("sum(u) / 0 - sum(u) / 0", Some("false")), failed);
        assert_eq!((value_of("sum(v)", Some("false")), value_of("u", Some("false"))), (failed.clone(), failed.clone()));
        assert_eq!((value_of("sum(v)", None), value_of("u", None)), (Ok(0.0), failed.clone()));
        assert_eq!(value_of("sum(u) or vector(0)", None), Ok(80.0));
        // KEDA reads a vector only.
        assert_eq!(value_of("scalar(sum(u))", None), failed);
        assert!(value_of("absent(u)", None).unwrap_err().contains("`absent` in a ScaledObject's query"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fallback_is_a_constant_after_more_failures_than_its_threshold() {
        let metadata =
            json!({"serverAddress": "http://none.monitoring.svc:9090", "query": "sum(u)", "threshold": "30"});
        let fallback = json!({"failureThreshold": 2, "replicas": 3});
        let of_store = |config: &mut SimConfig| {
            config.pipeline.store_service = service_of_url("http://store.monitoring.svc:9090");
        };
        let pipeline = pipeline_with(&metadata, &fallback, of_store);
        let values: Vec<_> = (0..4).map(|_| served(&pipeline).ok()).collect();
        assert_eq!(values, [None, None, Some(90.0), Some(90.0)]);
        let healthy = pipeline_with(&metadata, &fallback, |_| ());
        assert_eq!(served(&healthy), Ok(80.0), "without a stated store each address is the store's");
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_those_of_the_metrics_server() {
        let metadata = json!({"serverAddress": "http://s.m", "query": "sum(u)", "threshold": "30"});
        let pipeline = pipeline_with(&metadata, &Value::Null, |_| ());
        let error =
            |metric: &str, selector: &str| scaled_object_metric(&pipeline, "ai", metric, selector).unwrap_err().message;
        let missing = error("s0-prometheus", "scaledobject.keda.sh/name=other");
        assert!(missing.ends_with("error getting scalers ScaledObject.keda.sh \"other\" not found"), "{missing}");
        assert!(error("s0-prometheus", "app=x").contains("scaledObject name is not specified"));
        assert!(error("s1-prometheus", SELECTOR).contains("no matching metrics found for s1-prometheus"));
        let away = pipeline_with(&metadata, &Value::Null, |s| s.pipeline.keda_away = Some(ActiveWindow::ALWAYS));
        assert!(served(&away).unwrap_err().contains("timeout while waiting to establish gRPC connection"));
    }

    #[test]
    fn unsupported_parts_are_named_with_their_place() {
        let spec = json!({"scaleTargetRef": {}, "minReplicaCount": 1, "pollingInterval": 5, "idleReplicaCount": 0,
            "advanced": {"restoreToOriginalReplicaCount": true, "horizontalPodAutoscalerConfig": {}},
            "fallback": {"failureThreshold": 3, "replicas": 2, "behavior": "scalingModifiers"},
            "triggers": [{"type": "prometheus", "metricType": "Value", "useCachedMetrics": true,
                "authenticationRef": {"name": "x"},
                "metadata": {"serverAddress": "a", "query": "topk(1, u)", "threshold": "1", "namespace": "ai"}}]});
        let expected = [
            "idleReplicaCount",
            "advanced.restoreToOriginalReplicaCount",
            "triggers.0.useCachedMetrics",
            "triggers.0.authenticationRef",
            "triggers.0.metadata.namespace",
            "fallback.behavior: scalingModifiers",
            "fallback of a metric of type Value",
            "`topk` in triggers.0.metadata.query",
        ];
        assert_eq!(find_unsupported(spec.as_object().unwrap()), expected);
        let query = json!({"triggers": [{"metadata": {"query": "sum(u) / sum(rate(v[1m]))"}}]});
        assert_eq!(queried_series(query.as_object().unwrap()), ["u", "v"]);
    }
}
