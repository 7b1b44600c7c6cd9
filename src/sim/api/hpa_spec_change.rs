//! Fault: an API server that does not know a field of an HPA, or a mutating webhook.

use serde_json::{Value, json};

use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::config::HpaSpecChange;
use crate::units::Milli;

/// Changes the spec of an HPA as the fault says.
pub(super) fn apply(cluster: &SimCluster, hpa: &mut Value) {
    let namespace = metadata_text(hpa, "namespace");
    let spec = &mut hpa["spec"];
    match cluster.config().api.hpa_spec_change {
        None => {}
        Some(HpaSpecChange::DropsField) => {
            let mut drop = |side: &str, field: &str| {
                let rules = spec["behavior"].get_mut(side).and_then(Value::as_object_mut);
                rules.is_some_and(|rules| rules.shift_remove(field).is_some())
            };
            let dropped = [drop("scaleUp", "tolerance"), drop("scaleDown", "tolerance")];
            if dropped == [false, false] {
                drop("scaleUp", "policies");
            }
        }
        Some(HpaSpecChange::RaisesTarget) => {
            let Some(source) = metric_source(&mut spec["metrics"][0]) else { return };
            for field in ["value", "averageValue"] {
                let target = source["target"].get_mut(field);
                if let Some(target) = target.filter(|target| target.is_string()) {
                    let milli = target.as_str().and_then(|text| text.parse::<Milli>().ok()).unwrap_or(Milli(0));
                    *target = json!(format!("{}m", milli.0 * 5 / 4));
                }
            }
        }
        Some(HpaSpecChange::AddsMetric) => {
            let Some(source) = metric_source(&mut spec["metrics"][0]) else { return };
            let added = json!({"type": "Object", "object": {
                "metric": source["metric"], "target": {"type": "Value", "value": "85"},
                "describedObject": {"apiVersion": "v1", "kind": "Namespace", "name": namespace}}});
            spec["metrics"].as_array_mut().into_iter().for_each(|metrics| metrics.push(added.clone()));
        }
    }
}

/// The source of a metric below its type: pods, object, external.
fn metric_source(metric: &mut Value) -> Option<&mut Value> {
    let field = metric["type"].as_str()?.to_lowercase();
    metric.get_mut(field)
}
