//! Setup/PodsRequestAccelerators: every pod of the target requests an accelerator, an extended resource or a DRA
//! claim. Without one the requirement does not speak of these pods: INCONCLUSIVE.

use super::check_result::CheckResult;
use super::run_view::RunView;
use crate::model::observation::Phase;
use crate::model::scenario::Accelerator;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let lives = view.target_pods();
    if lives.is_empty() {
        if let Some(why) = view.install_failure() {
            return CheckResult::inconclusive(why);
        }
        let why = "no pod of the target was seen";
        // The target is Ready when the metric is awaited, or it will not be.
        let deadline = view.phase_start(Phase::Metric).map(|began| began + view.times.metric_served().lenient_ms());
        return match deadline.is_some_and(|deadline| view.now_ms() >= deadline) {
            true => CheckResult::inconclusive(why),
            false => CheckResult::pending(format!("{why} yet")),
        };
    }
    let (mut cites, mut requests) = (Vec::new(), Vec::new());
    for life in lives {
        let Some((observation, pod)) = life.observations.first() else { continue };
        let accelerators = view.requested_accelerators(pod);
        if accelerators.is_empty() {
            let asked: Vec<String> =
                pod.extended_resources.iter().map(|(name, count)| format!("{name}={count}")).collect();
            let asked = if asked.is_empty() { "none".to_owned() } else { asked.join(", ") };
            let wanted = match &view.records.scenario.accelerator {
                Accelerator::Resource(name) => name,
                Accelerator::Auto | Accelerator::StandIn => "nvidia.com/gpu",
            };
            return CheckResult::inconclusive(format!(
                "pod {} requests no accelerator (extended resources: {asked}; claims: none), so scaling it shows nothing \
                 about accelerators; give its container a limit, for example {wanted}: 1",
                pod.name
            ))
            .with_cites([observation.seq]);
        }
        cites.push(observation.seq);
        requests.push(accelerators.join(" and "));
    }
    requests.sort();
    requests.dedup();
    CheckResult::pass(format!("all {} pods of the target request {}", lives.len(), requests.join("; ")))
        .with_cites(cites)
}
