//! The start of a pod, by the pods of the target that became Ready.

use super::RefutedAssumption;
use crate::bounds::SLACK;
use crate::judge::check_result::format_ms;
use crate::judge::run_view::RunView;
use crate::units::HumanDuration;

pub(super) fn find_refutation(view: &RunView<'_>) -> Option<RefutedAssumption> {
    let assumed = view.times.assumptions.pod_start;
    let starts = view.target_pods().iter().filter_map(|pod| {
        let (ready, _) = pod.first_ready()?;
        Some((ready.at_ms.saturating_sub(pod.first_seen_ms()), pod.name(), ready.seq))
    });
    let (start_ms, name, seq) = starts.max().filter(|(start_ms, ..)| *start_ms > assumed.ms() + SLACK.ms())?;
    Some(RefutedAssumption {
        statement: format!(
            "assumptions.podStart {assumed}: pod {name} was Ready {} after its creation; set it to the time that a pod of the target needs, image pull and model load included",
            format_ms(start_ms)
        ),
        seqs: vec![seq],
        observed: HumanDuration::from_ms(start_ms),
        set: |assumptions, observed| assumptions.pod_start = observed,
    })
}
