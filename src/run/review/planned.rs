//! The stored plan against the one that follows from scenario and inventory. The judge never reads it: it makes its
//! bounds anew.

use super::Checked;
use crate::evidence::Held;
use crate::plan;
use crate::record::plan::Bound;

/// Names, sizes and bounds. Its words are not compared: they were written before secrets were taken out of the scenario.
pub(super) fn plan(held: &Held) -> Checked {
    let stored = &held.plan;
    if stored.hpa.is_empty() && held.records().not_begun().is_some() {
        return Checked::new("plan", "the run ended before it was planned", Vec::new());
    }
    let derived = plan::plan(&held.scenario, &held.inventory, &held.manifest.run);
    let bounds = |bounds: &[Bound]| bounds.iter().map(|bound| format!("{} {bound}", bound.name)).collect::<Vec<_>>();
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
        ("claim", stored.claim.clone(), derived.claim),
        ("reachable", format!("{:?}", stored.reachable), format!("{:?}", derived.reachable)),
        ("expect", stored.expect.to_string(), derived.expect.to_string()),
        ("accelerators", format!("{:?}", stored.accelerators), format!("{:?}", derived.accelerators)),
        ("leastMs", stored.least_ms.to_string(), derived.least_ms.to_string()),
        ("longestMs", stored.longest_ms.to_string(), derived.longest_ms.to_string()),
    ];
    let parted = fields.iter().filter(|(_, stored, derived)| stored != derived);
    differences.extend(parted.map(|(field, was, is)| format!("{field}: stored is `{was}`, derived is `{is}`")));
    Checked::new(
        "plan",
        format!("{} bounds and the names follow again from scenario and inventory", is.len()),
        differences,
    )
}
