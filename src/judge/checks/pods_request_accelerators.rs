//! Setup/PodsRequestAccelerators: every pod of the target requests an accelerator, by an extended resource or a
//! resource claim. The requirement does not cover pods without one, or with one that the model does not use: INCONCLUSIVE.
//! A claim whose allocation is not known to be of accelerators is a finding.

use std::collections::BTreeSet;

use crate::judge::check_result::CheckResult;
use crate::judge::diagnosis::model_on_cpu;
use crate::judge::run_view::RunView;
use crate::model::metric_profile::MetricProfile;
use crate::model::non_accelerators::{DriverKind, non_accelerator_kind};
use crate::model::observation::{Phase, PodSnapshot};
use crate::model::scenario::Accelerator;
use crate::model::shipped_profiles;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let pods = view.target_pods();
    if pods.is_empty() {
        if let Some(reason) = view.install_failure() {
            return CheckResult::inconclusive(reason);
        }
        let reason = "no pod of the target was observed";
        // The install phase has waited for the target, so its pods exist when the metric phase begins, or never will.
        let deadline = view.phase_start(Phase::Metric).map(|began| began + view.times.metric_served().lenient_ms());
        return match deadline.is_some_and(|deadline| view.now_ms() >= deadline) {
            true => CheckResult::inconclusive(reason),
            false => CheckResult::pending(format!("{reason} yet")),
        };
    }
    let (mut cites, mut requests, mut unknown_claims) = (Vec::new(), Vec::new(), BTreeSet::new());
    for pod in pods {
        let (Some(first), Some(last)) = (pod.observations.first(), pod.last_observation()) else { continue };
        // Until its object exists, a claim has the name of its entry in the pod's spec, which no allocation names.
        let (observation, snapshot) = last;
        if view.requested_accelerators(snapshot).is_empty() {
            let requested = describe_requests(view, snapshot);
            let scenario = view.records.scenario;
            let profile = scenario.accelerator_profile();
            let of_profile = profile.map_or(String::new(), |profile| {
                format!(" of profile {}, {}", profile.name, profile.accelerator_resources.join(" or "))
            });
            return CheckResult::inconclusive(format!(
                "pod {} requests no accelerator{of_profile} ({requested}), so scaling it shows \
                 nothing about accelerators; {}",
                snapshot.name,
                describe_remedy(view, snapshot)
            ))
            .with_cites([observation.seq]);
        }
        cites.push(first.0.seq);
        requests.push(view.requested_accelerators(first.1).join(" and "));
        let is_unknown = |claim: &&String| view.claim_kind(claim) == DriverKind::Unknown;
        unknown_claims
            .extend(view.accelerator_claims(snapshot).filter(is_unknown).map(|claim| view.describe_claim(claim)));
    }
    if let Some((reason, seq)) = model_on_cpu::describe(view) {
        return CheckResult::inconclusive(reason).with_cites([seq]);
    }
    requests.sort();
    requests.dedup();
    let subject = match pods.len() {
        1 => "the one pod of the target requests".to_owned(),
        count => format!("all {count} pods of the target request"),
    };
    let result = CheckResult::pass(format!("{subject} {}", requests.join("; "))).with_cites(cites);
    match unknown_claims.is_empty() {
        true => result,
        false => result.with_finding(format!(
            "no known driver of accelerators is recorded for claim {}: that it is one shows only by where the model is \
             (ScaleUp/NewPodsServe)",
            unknown_claims.into_iter().collect::<Vec<_>>().join(" and claim ")
        )),
    }
}

/// What to change so that a pod requests an accelerator. A resource that only the profile leaves out may be one.
fn describe_remedy(view: &RunView<'_>, pod: &PodSnapshot) -> String {
    let scenario = view.records.scenario;
    let may_be = |name: &&String| scenario.accelerator.matches(name) && non_accelerator_kind(name).is_none();
    let left_out = pod.extended_resources.keys().find(may_be).zip(scenario.accelerator_profile());
    if let Some((resource, profile)) = left_out {
        let known: Vec<&str> = shipped_profiles::names_where(|other| other.lists_resource(resource)).collect();
        let other = match known.as_slice() {
            [] => "name another metric.profile".to_owned(),
            known => format!("set metric.profile to {}", known.join(" or ")),
        };
        return format!(
            "if {resource} is one, profile {} is not that of its exporter: {other}, or state accelerator: {resource}",
            profile.name
        );
    }
    let offered = view.nodes.iter().flat_map(|(_, node)| &node.allocatable);
    let offered =
        offered.filter(|(name, count)| **count > 0 && view.is_accelerator(name)).map(|(name, _)| name.as_str());
    let example = match &scenario.accelerator {
        Accelerator::Resource(name) => Some(name.as_str()),
        Accelerator::Auto | Accelerator::StandIn => {
            offered.min().or_else(|| scenario.accelerator_profile().and_then(MetricProfile::example_resource))
        }
    };
    let example =
        example.map_or("the resource of your device plugin".to_owned(), |name| format!("for example {name}: 1"));
    format!("give its container a limit, {example}")
}

/// Describes what a pod without an accelerator requests, and what is known of it.
fn describe_requests(view: &RunView<'_>, pod: &PodSnapshot) -> String {
    let resources = pod.extended_resources.iter().map(|(name, count)| match non_accelerator_kind(name) {
        Some(kind) => format!("{name}={count}, which is {kind}"),
        None => format!("{name}={count}"),
    });
    let claims = pod.resource_claims.iter().map(|claim| match view.claim_kind(claim) {
        DriverKind::Other(kind) => format!("{}, which is {kind}", view.describe_claim(claim)),
        DriverKind::Accelerator | DriverKind::Unknown => view.describe_claim(claim),
    });
    let names_resource = match (&view.records.scenario.accelerator, pod.resource_claims.is_empty()) {
        (Accelerator::Resource(name), false) => format!("; the scenario names {name}, so a claim does not count"),
        _ => String::new(),
    };
    let join = |all: Vec<String>| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    let (resources, claims) = (join(resources.collect()), join(claims.collect()));
    format!("extended resources: {resources}; resource claims: {claims}{names_resource}")
}
