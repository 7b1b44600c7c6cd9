//! How the cluster scales already: an HPA on the target is adopted, and where KEDA is there a ScaledObject is proposed.

use super::{ScenarioFacts, ScenarioSection};
use crate::hpa;
use crate::init::servers::ExistingHpa;
use crate::init::yaml_text::{YamlText, quoted};
use crate::model::promql_query::{find_selectors, outer_aggregation};

/// The HPA that scales the target: the run tests it as it is.
pub(super) fn adopt_section(existing: &ExistingHpa) -> ScenarioSection {
    let mut section = ScenarioSection::default();
    let of_keda = hpa::scaled_object_name(&existing.spec)
        .map_or(String::new(), |name| format!(", which KEDA has made of ScaledObject {name},"));
    let (min, max) = (existing.spec.min_replicas.unwrap_or(1), existing.spec.max_replicas);
    section.say(format!(
        "HPA {}{of_keda} scales the target already, from {min} to {max} replicas on {}: the run tests it as it is, and changes nothing of it. A second one could not be tested beside it.",
        existing.name,
        existing.describe_metrics()
    ));
    section.keys.text(1, "hpa", &existing.name);
    section
}

/// The range of the adopted HPA's metric, where its query is a sum over the pods of a series with a known range.
pub(super) fn adopted_range(facts: &ScenarioFacts<'_>) -> Option<[f64; 2]> {
    let adopted = facts.adopted?;
    let name = hpa::scaled_object_name(&adopted.spec)?;
    let mut objects = facts.found.metrics_apis.scaled_objects.iter();
    let query = objects.find(|one| one.name == name && one.namespace == facts.namespace)?.query.as_deref()?;
    let is_sum = outer_aggregation(query).is_some_and(|one| one.operator == "sum" && one.by.is_none());
    let selectors = find_selectors(query);
    let [selector] = selectors.as_slice() else { return None };
    let [low, high] = facts.base.metric.profile.as_ref()?.series.get(selector.name)?.range?;
    is_sum.then(|| [low, high * f64::from(adopted.spec.max_replicas)])
}

/// Proposes the adapter's external metric, as a comment.
pub(super) fn propose_external(facts: &ScenarioFacts<'_>, yaml: &mut YamlText) {
    let Some(name) = &facts.found.metrics_apis.external_rule else { return };
    yaml.blank();
    yaml.comment(
        0,
        "The adapter serves an external metric of this series, one value for all pods. To test an HPA on it, put this line in place of `hpa`, and state metric.range, its smallest and largest value:",
    );
    let metric =
        format!("{{metric: {{name: {}}}, target: {{type: AverageValue, averageValue: \"60\"}}}}", quoted(name));
    yaml.verbatim_comment(&format!("hpa: {{spec: {{metrics: [{{type: External, external: {metric}}}]}}}}"));
}

/// Proposes a ScaledObject, as comments: with KEDA a run needs no other adapter.
pub(super) fn propose_scaled_object(facts: &ScenarioFacts<'_>, yaml: &mut YamlText) {
    let (Some(store), true) = (&facts.found.store, facts.found.metrics_apis.has_keda()) else { return };
    let target = &facts.base.hpa.spec.scale_target_ref;
    let (kind, name) = facts
        .found
        .ollama
        .as_ref()
        .map_or((target.kind.as_str(), target.name.as_str()), |server| (server.kind, server.name.as_str()));
    let spec = &facts.base.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1).max(1), spec.max_replicas);
    let (service, label, pod) = (&store.service, facts.store_label("namespace"), facts.store_label("pod"));
    let query = format!("sum({}{{{label}=\"{}\",{pod}=~\"{name}-.*\"}})", facts.series, facts.namespace);
    let address = format!("http://{}.{}.svc:{}{}", service.name, service.namespace, service.port, service.path);
    let threshold = if facts.is_ratio { "0.6" } else { "60" };
    yaml.blank();
    yaml.comment(
        0,
        "KEDA serves external metrics. To test an HPA of KEDA, put these lines in place of `hpa` and of the metrics adapter, and state metric.range, the range of the sum over maxReplicas pods:",
    );
    if let Some(release) = facts.adapter_release().filter(|_| !facts.is_adapter_there) {
        yaml.verbatim_comment(&format!("releases: {{{}: null}}", quoted(release)));
    }
    for line in [
        "scaledObject:".to_owned(),
        "  spec:".to_owned(),
        format!("    scaleTargetRef: {{apiVersion: apps/v1, kind: {kind}, name: {}}}", quoted(name)),
        format!("    minReplicaCount: {min}"),
        format!("    maxReplicaCount: {max}"),
        "    triggers:".to_owned(),
        "      - type: prometheus".to_owned(),
        "        metricType: AverageValue".to_owned(),
        "        metadata:".to_owned(),
        format!("          serverAddress: {}", quoted(&address)),
        format!("          query: {}", quoted(&query)),
        format!("          threshold: {}", quoted(threshold)),
        "          ignoreNullValues: \"false\"".to_owned(),
    ] {
        yaml.verbatim_comment(&line);
    }
}
