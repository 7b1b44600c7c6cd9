//! The stored plan against the one that follows from scenario and inventory. The judge never reads it: it makes its
//! bounds anew.

use super::BundleCheck;
use crate::evidence::LoadedBundle;
use crate::model::plan::TimeBound;
use crate::plan;

/// Names, sizes and bounds. Its words are not compared: they were written before secrets were taken out of the scenario.
pub(super) fn check_plan(held: &LoadedBundle) -> BundleCheck {
    let stored = &held.plan;
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
    let fields = [
        ("hpa", stored.hpa.clone(), derived.hpa),
        ("service", stored.service.clone(), derived.service),
        ("lease", stored.lease.clone(), derived.lease),
        ("reachableReplicas", format!("{:?}", stored.reachable_replicas), format!("{:?}", derived.reachable_replicas)),
        ("expectedReplicas", stored.expected_replicas.to_string(), derived.expected_replicas.to_string()),
        ("accelerators", format!("{:?}", stored.accelerators), format!("{:?}", derived.accelerators)),
        ("minDurationMs", stored.min_duration_ms.to_string(), derived.min_duration_ms.to_string()),
        ("maxDurationMs", stored.max_duration_ms.to_string(), derived.max_duration_ms.to_string()),
    ];
    let parted = fields.iter().filter(|(_, stored, derived)| stored != derived);
    differences.extend(parted.map(|(field, was, is)| format!("{field}: stored is `{was}`, derived is `{is}`")));
    BundleCheck::new(
        "plan",
        format!("{} bounds and the names follow again from scenario and inventory", is.len()),
        differences,
    )
}
