//! Events: of the scheduler and of KEDA as events.k8s.io writes them (microseconds), of the others as core/v1 does (whole seconds).

use serde_json::{Value, json};

use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::objects::keda::OPERATOR;
use crate::sim::objects::kinds::EVENT;

/// Records an event of `component` about an object; an event of a kubelet also names its node.
pub(super) fn record(
    cluster: &SimCluster,
    component: &str,
    object: &Value,
    (kind, reason): (&str, &str),
    message: impl Into<String>,
) {
    let is_recent_api = matches!(component, "default-scheduler" | OPERATOR);
    let host = if component == "kubelet" { object["spec"]["nodeName"].as_str().unwrap_or_default() } else { "" };
    let times = if is_recent_api { Value::Null } else { json!(cluster.now()) };
    let source = if is_recent_api { json!({}) } else { json!({"component": component, "host": host}) };
    let instance = match component {
        "default-scheduler" => "default-scheduler-control-plane",
        OPERATOR => "keda-operator-0",
        _ => host,
    };
    let (name, namespace) = (metadata_text(object, "name"), metadata_text(object, "namespace"));
    let event = json!({
        "metadata": {"name": format!("{name}.{:016x}", cluster.random_below(u64::MAX)), "namespace": namespace},
        "involvedObject": {"apiVersion": object["apiVersion"], "kind": object["kind"], "name": name,
            "namespace": namespace, "uid": object["metadata"]["uid"],
            "resourceVersion": object["metadata"]["resourceVersion"]},
        "type": kind, "reason": reason, "message": message.into(),
        "source": source, "reportingComponent": component, "reportingInstance": instance,
        "eventTime": if is_recent_api { json!(cluster.now_micro()) } else { Value::Null },
        "firstTimestamp": times, "lastTimestamp": times, "count": if is_recent_api { Value::Null } else { json!(1) },
    });
    // Cannot fail in practice: the name has a random suffix.
    let _ = cluster.create(FieldManager::update(component), &EVENT, event);
}
