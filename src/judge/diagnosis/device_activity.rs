//! What an exporter says of a device against what the server says of its model: a device that generates tokens and shows
//! no activity, and a device that is active by a model in its memory alone.

use crate::judge::run_view::RunView;
use crate::model::load::ProtocolName;
use crate::model::observation::ProbeRecord;
use crate::model::reading::MetricHop;
use crate::units::Milli;

/// Hops that show the series of single pods, the first before the others.
const POD_HOPS: [MetricHop; 2] = [MetricHop::Exporter, MetricHop::Store];

/// Describes devices that show no activity under load. The server says whether they compute: with the whole model in
/// accelerator memory the exporter is wrong, with none of it the accelerator is idle indeed.
pub(in crate::judge) fn describe_inactive(view: &RunView<'_>) -> Option<String> {
    let (began, ended) = view.load_span()?;
    let (_, load) = view.loads.last().filter(|(_, load)| load.succeeded > 0 && load.tokens > 0)?;
    let of_hop = |hop: MetricHop| Some((hop, *view.values_at_hop(hop, began, ended).last()?));
    let (hop, highest) = POD_HOPS.into_iter().find_map(of_hop)?;
    if highest > Milli(0) || view.records.scenario.accelerator.is_stand_in() {
        return None;
    }
    let with_placement = |probe: &&ProbeRecord| probe.error.is_none() && probe.model_accelerator_bytes.is_some();
    let probe = view.probes.iter().map(|(_, probe)| *probe).find(with_placement)?;
    let (bytes, size) = (probe.model_accelerator_bytes?, probe.model_bytes?);
    let work = format!("{} chats succeeded with {} tokens", load.succeeded, load.tokens);
    let hop = hop.as_str();
    if bytes == 0 {
        return Some(format!(
            "{work}, but 0 bytes of the model of {size} bytes are in accelerator memory: the pods compute on the CPU, so the \
             {hop} shows 0"
        ));
    }
    (bytes >= size).then(|| {
        format!(
            "the {hop} shows 0 for a device that generates tokens ({work}, and all {size} bytes of the model are in \
             accelerator memory): the exporter or the field that it reads is broken for this device; use another field"
        )
    })
}

/// Describes activity that began with the first chat and does not end while nothing is asked: some devices count a model
/// in their memory as activity.
pub(in crate::judge) fn describe_resident_model(view: &RunView<'_>) -> Option<String> {
    let first_chat = first_chat(view)?;
    let (since, ended) = idle_span_after(view, first_chat)?;
    // A later hop shows the time before the first chat later than it was.
    let of_hop = |hop: MetricHop| {
        let before = *view.values_at_hop(hop, 0, first_chat.began_ms).last()?;
        let idle = view.values_at_hop(hop, since, ended);
        Some((hop, before, *idle.first()?, *idle.last()?))
    };
    let (hop, before, low, high) =
        [MetricHop::Exporter, MetricHop::Store, MetricHop::Api].into_iter().find_map(of_hop)?;
    // Work comes and goes; a model stays.
    let is_steady = low > Milli(0) && low.0 >= high.0 / 2;
    (before == Milli(0) && is_steady).then(|| {
        let value = if low == high { low.to_string() } else { format!("{low} to {high}") };
        format!(
            "at the {} the pods show 0 before the first chat and {value} after it, without load: the device seems to count \
             the model in its memory as activity; let the server unload an idle model ({}), or use another field of the \
             exporter",
            hop.as_str(),
            how_to_unload(view)
        )
    })
}

/// Describes devices that show the largest possible value without load, while a model is in their memory: some count that as
/// activity. Where the model was there before the first reading, no smaller value shows whether it is the cause.
pub(in crate::judge) fn describe_maximum_with_model(view: &RunView<'_>) -> Option<String> {
    let (_, maximum) = view.metric_range()?;
    let first_chat = first_chat(view)?;
    let bytes = first_chat.model_accelerator_bytes.filter(|bytes| *bytes > 0)?;
    let (since, ended) = idle_span_after(view, first_chat)?;
    let of_hop = |hop: MetricHop| Some((hop, *view.values_at_hop(hop, since, ended).first()?));
    let (hop, lowest) = POD_HOPS.into_iter().find_map(of_hop)?;
    (lowest == Milli(maximum)).then(|| {
        format!(
            "at the {} the pods show {lowest}, the largest possible value, and after the first chat {bytes} bytes of the model \
             were in accelerator memory: some devices count that as activity; let the server unload an idle model ({}), or use another field of the \
             exporter",
            hop.as_str(),
            how_to_unload(view)
        )
    })
}

fn first_chat<'a>(view: &RunView<'a>) -> Option<&'a ProbeRecord> {
    view.probes.iter().map(|(_, probe)| *probe).find(|probe| probe.pod.is_empty())
}

/// The time without a chat after the first one, which may show for one lag, until the end of the baseline. An HPA that scales up
/// at once ends the baseline when it begins.
fn idle_span_after(view: &RunView<'_>, first_chat: &ProbeRecord) -> Option<(u64, u64)> {
    let (_, ended) = view.baseline_span()?;
    Some((first_chat.began_ms + view.times.metric_lag().total_ms(), ended.unwrap_or_else(|| view.end_ms())))
}

/// What makes the server unload an idle model.
fn how_to_unload(view: &RunView<'_>) -> &'static str {
    match view.records.scenario.load.protocol {
        ProtocolName::Ollama => "Ollama's keep_alive in load.parameters",
        ProtocolName::OpenAi => "Ollama does after OLLAMA_KEEP_ALIVE",
    }
}
