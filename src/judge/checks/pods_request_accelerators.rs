//! Setup/PodsRequestAccelerators: every pod of the target requests an accelerator, by an extended resource or a
//! resource claim. The requirement does not cover pods without one: INCONCLUSIVE.

use crate::judge::check_result::CheckResult;
use crate::judge::run_view::RunView;
use crate::model::metric_profile::MetricProfile;
use crate::model::observation::Phase;
use crate::model::scenario::Accelerator;

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
    let (mut cites, mut requests) = (Vec::new(), Vec::new());
    for pod in pods {
        let Some((observation, snapshot)) = pod.observations.first() else { continue };
        let accelerators = view.requested_accelerators(snapshot);
        if accelerators.is_empty() {
            let requested: Vec<String> =
                snapshot.extended_resources.iter().map(|(name, count)| format!("{name}={count}")).collect();
            let requested = if requested.is_empty() { "none".to_owned() } else { requested.join(", ") };
            let scenario = view.records.scenario;
            let profile = scenario.accelerator_profile();
            let example = match &scenario.accelerator {
                Accelerator::Resource(name) => name,
                Accelerator::Auto | Accelerator::StandIn => {
                    profile.and_then(MetricProfile::example_resource).unwrap_or("nvidia.com/gpu")
                }
            };
            let of_profile = profile.map_or(String::new(), |profile| {
                format!(" of profile {}, {}", profile.name, profile.accelerator_resources.join(" or "))
            });
            return CheckResult::inconclusive(format!(
                "pod {} requests no accelerator{of_profile} (extended resources: {requested}; resource claims: none), so scaling it shows \
                 nothing about accelerators; give its container a limit, for example {example}: 1",
                snapshot.name
            ))
            .with_cites([observation.seq]);
        }
        cites.push(observation.seq);
        requests.push(accelerators.join(" and "));
    }
    requests.sort();
    requests.dedup();
    let subject = match pods.len() {
        1 => "the one pod of the target requests".to_owned(),
        count => format!("all {count} pods of the target request"),
    };
    CheckResult::pass(format!("{subject} {}", requests.join("; "))).with_cites(cites)
}
