//! Validates the profile of the metric.

use super::scenario_error::ScenarioProblem;
use crate::model::metric_profile::{MAX_LIST_LENGTH, MetricProfile};

/// All problems of the profile, in the order of its fields.
pub(super) fn find_problems(profile: &MetricProfile) -> Vec<ScenarioProblem> {
    let mut problems = Vec::new();
    let mut report = |field: &str, message: &str, hint: &str| {
        problems.push(ScenarioProblem::new(&format!("metric.profile.{field}"), message, hint));
    };
    if profile.name.is_empty() {
        report(
            "name",
            "is missing",
            "write the profile out in full: a map is not merged with the shipped profile that the scenario below names",
        );
    }
    for (name, series) in &profile.series {
        if series.range.is_some_and(|range| !is_range(range)) {
            report(&format!("series.{name}.range"), "is not a range", "write [smallest, largest]");
        }
    }
    if profile.labels.pod.is_empty() {
        report("labels.pod", "is empty, so no series could belong to a pod", "name the label, or leave the key out");
    }
    if profile.has_endless_list() {
        report("labels", "or another list is too long", &format!("shorten it to {MAX_LIST_LENGTH} entries"));
    }
    for resource in &profile.accelerator_resources {
        if !resource.contains('/') || resource.strip_suffix('*').unwrap_or(resource).contains('*') {
            let message = format!("has `{resource}`, which is not an extended resource");
            report("acceleratorResources", &message, "write DOMAIN/NAME, with `*` at most at the end");
        }
    }
    problems
}

/// True for a smallest and a largest number.
pub(super) fn is_range([low, high]: [f64; 2]) -> bool {
    low.is_finite() && high.is_finite() && low < high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shipped_profiles;

    #[test]
    fn every_shipped_profile_is_valid() {
        for name in shipped_profiles::names() {
            assert_eq!(find_problems(&shipped_profiles::find(name).unwrap()), [], "{name}");
        }
    }
}
