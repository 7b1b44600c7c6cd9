//! Setup/PodsRequestAccelerators: every pod of the target requests an accelerator, an extended resource or a DRA
//! claim. Without one the requirement does not speak of these pods: INCONCLUSIVE.

use super::ruling::Ruling;
use super::view::View;
use crate::record::observation::Phase;
use crate::record::scenario::Accelerator;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let lives = view.lives();
    if lives.is_empty() {
        if let Some(why) = view.not_installed() {
            return Ruling::unclear(why);
        }
        let why = "no pod of the target was seen";
        // The target is Ready when the metric is awaited, or it will not be.
        let deadline = view.began(Phase::Metric).map(|began| began + view.times.served().generous_ms());
        return match deadline.is_some_and(|deadline| view.now_ms() >= deadline) {
            true => Ruling::unclear(why),
            false => Ruling::open(format!("{why} yet")),
        };
    }
    let (mut cites, mut requests) = (Vec::new(), Vec::new());
    for life in lives {
        let Some((observation, pod)) = life.seen.first() else { continue };
        let accelerators = view.accelerators(pod);
        if accelerators.is_empty() {
            let asked: Vec<String> = pod.resources.iter().map(|(name, count)| format!("{name}={count}")).collect();
            let asked = if asked.is_empty() { "none".to_owned() } else { asked.join(", ") };
            let wanted = match &view.records.scenario.accelerator {
                Accelerator::Resource(name) => name,
                Accelerator::Auto | Accelerator::StandIn => "nvidia.com/gpu",
            };
            return Ruling::unclear(format!(
                "pod {} requests no accelerator (extended resources: {asked}; claims: none), so scaling it shows nothing \
                 about accelerators; give its container a limit, for example {wanted}: 1",
                pod.name
            ))
            .cite([observation.seq]);
        }
        cites.push(observation.seq);
        requests.push(accelerators.join(" and "));
    }
    requests.sort();
    requests.dedup();
    Ruling::holds(format!("all {} pods of the target request {}", lives.len(), requests.join("; "))).cite(cites)
}
