//! The HPA: its target, its sizes by the free accelerators, and its metric.

use super::{ScenarioFacts, ScenarioSection};
use crate::init::yaml_text::quoted;

/// Sizes above minReplicas that the base's maxReplicas gives, where more accelerators are free.
const MAX_ABOVE_MIN: i64 = 2;

pub(super) fn section(facts: &ScenarioFacts<'_>) -> ScenarioSection {
    let mut section = ScenarioSection::default();
    let mut spec: Vec<(&str, String)> = Vec::new();
    let target = &facts.base.hpa.spec.scale_target_ref;
    if let Some(server) = &facts.found.ollama
        && (server.kind, server.name.as_str()) != (target.kind.as_str(), target.name.as_str())
    {
        let (kind, name) = (server.kind, quoted(&server.name));
        spec.push(("scaleTargetRef", format!("{{apiVersion: apps/v1, kind: {kind}, name: {name}}}")));
    }
    spec.extend(sizes(facts, &mut section));
    spec.extend(metrics(facts, &mut section));
    if !spec.is_empty() {
        section.keys.map(1, "spec");
        spec.iter().for_each(|(key, value)| section.keys.value(2, key, value));
    }
    section
}

/// minReplicas and maxReplicas, where they are other ones than the base's.
fn sizes(facts: &ScenarioFacts<'_>, section: &mut ScenarioSection) -> Vec<(&'static str, String)> {
    let spec = &facts.base.hpa.spec;
    let (base_min, base_max) = (i64::from(spec.min_replicas.unwrap_or(1)), i64::from(spec.max_replicas));
    let server = facts.found.ollama.as_ref();
    let min = server.map_or(base_min, |server| i64::from(server.replicas).max(1));
    let held = server.filter(|server| !server.requests.is_empty()).map_or(0, |server| i64::from(server.replicas));
    let wanted = if min == base_min { base_max } else { min + MAX_ABOVE_MIN };
    let mut all = Vec::new();
    if min != base_min {
        section.say(format!("The target has {min} replicas now, and the run begins with minReplicas."));
        all.push(("minReplicas", min.to_string()));
    }
    let best = facts.found.accelerators.best();
    let possible = best.and_then(|one| Some(one.free? + held));
    let max = match possible {
        Some(possible) if possible <= min => {
            section.say(format!(
                "Accelerators that are free for the target: {possible}. It needs {} at least: free some, or every run ends as INCONCLUSIVE (capacity).",
                min + 1
            ));
            wanted
        }
        Some(possible) if possible < wanted => {
            section.say(format!("Accelerators that are free for the target: {possible}, so many replicas at most."));
            possible
        }
        _ => wanted,
    };
    if max != base_max {
        all.push(("maxReplicas", max.to_string()));
    }
    all
}

/// The metric, where it is another one than the base's.
fn metrics(facts: &ScenarioFacts<'_>, section: &mut ScenarioSection) -> Option<(&'static str, String)> {
    let spec = facts.base.hpa.spec.metrics.iter().flatten().next();
    let pods = spec.and_then(|metric| metric.pods.as_ref());
    let base_target = pods.and_then(|pods| pods.target.average_value.as_ref()).map_or("60", |value| value.0.as_str());
    let is_base = pods.is_some_and(|pods| pods.metric.name == facts.metric);
    if (is_base && !facts.is_ratio) || facts.metric.is_empty() {
        return None;
    }
    let target = if facts.is_ratio { "600m" } else { base_target };
    if facts.is_adapter_there {
        section.say(format!(
            "The metric is the one that the adapter serves for each pod; look at its unit before you trust the target {target}."
        ));
    }
    let (name, target) = (quoted(&facts.metric), quoted(target));
    Some((
        "metrics",
        format!(
            "[{{type: Pods, pods: {{metric: {{name: {name}}}, target: {{type: AverageValue, averageValue: {target}}}}}}}]"
        ),
    ))
}
