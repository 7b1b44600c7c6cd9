//! The rights that a run needs of its own, each with what it is for. What a chart's objects need besides is helm's
//! business, and helm names it.

use crate::record::inventory::Right;
use crate::record::scenario::{ReachBy, Scenario};

/// Every right to be asked about, when these namespaces are missing; `allowed` is false until the API server was asked.
/// `why` reads after "needed to".
pub(super) fn needed(scenario: &Scenario, missing: &[String]) -> Vec<Right> {
    let own = scenario.namespace.as_str();
    let plural = format!("{}s", scenario.hpa.spec.scale_target_ref.kind.to_lowercase());
    let mut all = Vec::new();
    let mut ask = |verbs: &[&str], resource: &str, namespace: &str, why: &str, required: bool| {
        all.extend(verbs.iter().map(|verb| Right {
            verb: (*verb).to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            why: why.to_owned(),
            required,
            allowed: false,
        }));
    };
    let hpas = "autoscaling/horizontalpodautoscalers";
    ask(
        &["get", "list", "watch", "patch", "create", "delete"],
        hpas,
        own,
        "apply the HPA, watch it and remove it",
        true,
    );
    ask(&["get", "list", "watch"], &format!("apps/{plural}"), own, "watch the target's size", true);
    let leases = "coordination.k8s.io/leases";
    let why = "claim the target, so that two runs do not disturb each other, and give it back";
    ask(&["get", "list", "watch", "create", "delete"], leases, own, why, true);
    ask(&["get", "list", "watch"], "pods", own, "watch the target's pods", true);
    ask(&["get", "create"], "pods/proxy", own, "send a chat to each new pod by itself", true);
    ask(&["list", "watch"], "events", own, "read the controller's and the scheduler's reasons", true);
    if scenario.reach.by != ReachBy::Url {
        ask(&["get", "patch", "create", "delete"], "services", own, "make the Service of the load and remove it", true);
        ask(&["list", "watch"], "discovery.k8s.io/endpointslices", own, "see which pods the Service reaches", true);
    }
    ask(&["list", "watch"], "nodes", "", "see the accelerators of the nodes", true);
    ask(&["list"], "pods", "", "count the accelerators that others use", false);
    ask(&["get"], "apiregistration.k8s.io/apiservices", "", "see who serves the metrics API", true);
    if let Some(service) = scenario.metric.store.as_ref().and_then(|store| store.service.as_ref()) {
        ask(&["get"], "services/proxy", &service.namespace, "read the raw samples of the store", false);
    }
    if let Some(exporter) = &scenario.metric.exporter {
        ask(&["list"], "pods", &exporter.namespace, "find the exporter's pods", false);
        ask(&["get"], "pods/proxy", &exporter.namespace, "read the exporter's own text", false);
    }
    if !missing.is_empty() {
        let why = format!("make the missing namespaces ({}) and remove them", missing.join(", "));
        ask(&["get", "list", "watch", "create", "delete"], "namespaces", "", &why, true);
    }
    all
}
