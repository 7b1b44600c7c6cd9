//! The stored plan against the one that scenario and inventory give. The judge never reads it: it makes its bounds anew.

use super::{BundleCheck, ReviewInput};
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::plan::TimeBound;
use crate::plan;

/// Names, sizes and bounds. Its texts are not compared: they were written before secrets were taken out of the scenario.
/// Bounds and sizes depend on the rules under which the plan was made, the names of the run's objects do not.
pub(super) fn check_plan(input: &ReviewInput<'_>) -> BundleCheck {
    let (held, stored) = (input.bundle, &input.bundle.plan);
    if stored.hpa.is_empty() && held.records().not_started().is_some() {
        return BundleCheck::new("plan", "the run ended before it was planned", Vec::new());
    }
    let derived = plan::plan(&held.scenario, &held.inventory, &held.manifest.run);
    let bounds =
        |bounds: &[TimeBound]| bounds.iter().map(|bound| format!("{} {bound}", bound.name)).collect::<Vec<_>>();
    let mut differences: Vec<String> = Vec::new();
    let (was, is) = (bounds(&stored.bounds), bounds(&derived.bounds));
    for n in 0..was.len().max(is.len()) {
        let of = |all: &[String]| all.get(n).cloned().unwrap_or("none".to_owned());
        if was.get(n) != is.get(n) {
            differences.push(format!("bound {}: stored is `{}`, derived is `{}`", n + 1, of(&was), of(&is)));
        }
    }
    // A plan that was written before there were a likely duration and a metric in it has none.
    let likely_ms = if stored.likely_duration_ms == 0 { derived.likely_duration_ms } else { stored.likely_duration_ms };
    let stored_metric = stored.metric.as_ref().or(derived.metric.as_ref());
    let fields = [
        ("metric", describe_metric(stored_metric), describe_metric(derived.metric.as_ref())),
        ("reachableReplicas", format!("{:?}", stored.reachable_replicas), format!("{:?}", derived.reachable_replicas)),
        ("expectedReplicas", stored.expected_replicas.to_string(), derived.expected_replicas.to_string()),
        ("accelerators", format!("{:?}", stored.accelerators), format!("{:?}", derived.accelerators)),
        ("minDurationMs", stored.min_duration_ms.to_string(), derived.min_duration_ms.to_string()),
        ("likelyDurationMs", likely_ms.to_string(), derived.likely_duration_ms.to_string()),
        ("maxDurationMs", stored.max_duration_ms.to_string(), derived.max_duration_ms.to_string()),
    ];
    differences.extend(compare_fields(&fields));
    let names = compare_fields(&[
        ("hpa", stored.hpa.clone(), derived.hpa),
        ("service", stored.service.clone(), derived.service),
        ("lease", stored.lease.clone(), derived.lease),
    ]);
    if stored.rules != input.current_rules() {
        let summary = format!(
            "the names follow from scenario and inventory; {} bounds are those of rules {}",
            stored.bounds.len(),
            stored.rules
        );
        let unknown = !(1..=input.current_rules()).contains(&stored.rules);
        let unknown = unknown.then(|| format!("rules: `{}` is no revision of the rules", stored.rules));
        return BundleCheck::new("plan", summary, names.into_iter().chain(unknown).collect())
            .with_changed_by_rules(differences);
    }
    differences.extend(names);
    BundleCheck::new(
        "plan",
        format!("{} bounds and the names follow from scenario and inventory", is.len()),
        differences,
    )
}

/// Type and target. The names are texts, which are not compared.
fn describe_metric(metric: Option<&MetricUnderTest>) -> String {
    let Some(MetricUnderTest { kind, target_type, target_value, .. }) = metric else { return "none".to_owned() };
    let target = target_value.map_or("none".to_owned(), |target| target.to_string());
    format!("{kind:?} with target {target_type:?} {target}")
}

fn compare_fields(fields: &[(&str, String, String)]) -> Vec<String> {
    let differing = fields.iter().filter(|(_, stored, derived)| stored != derived);
    differing.map(|(field, stored, derived)| format!("{field}: stored is `{stored}`, derived is `{derived}`")).collect()
}
