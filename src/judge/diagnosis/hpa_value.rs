//! The value that the HPA reports against those that the metrics API serves to this client.

use crate::bounds::SLACK;
use crate::judge::check_result::format_ms;
use crate::judge::run_view::{ApiReading, RunView};
use crate::model::observation::HpaSnapshot;
use crate::units::Milli;

/// Fewest statuses that tell anything.
const MIN_STATUSES: usize = 3;

/// True when the controller says that it has the metric.
pub(in crate::judge) fn has_valid_metric(hpa: &HpaSnapshot) -> bool {
    let is_valid = |kind: &str, status: &str, reason: &str| {
        (kind, status, reason) == ("ScalingActive", "True", "ValidMetricFound")
    };
    hpa.conditions.iter().any(|c| is_valid(&c.kind, &c.status, &c.reason))
}

/// Whether the value in currentMetrics lies within the values that the metrics API served around this time; `None` without a
/// value or a reading. The controller reads between two polls, and a per-pod average lies between the averages of the two;
/// at an idle target both are equal.
pub(in crate::judge) fn was_served(view: &RunView<'_>, at_ms: u64, hpa: &HpaSnapshot) -> Option<bool> {
    let value = view.metric.as_ref()?.reported_value(hpa)?.0;
    let (low, high) = served_range(view, at_ms)?;
    Some((low..=high).contains(&value))
}

fn served_range(view: &RunView<'_>, at_ms: u64) -> Option<(i64, i64)> {
    let since = at_ms.saturating_sub(2 * view.times.assumptions.sync_period.ms() + SLACK.ms());
    let values = || view.api_readings_in(since, at_ms + SLACK.ms()).filter_map(ApiReading::value_milli);
    Some((values().min()?, values().max()?))
}

/// Describes an HPA whose last statuses under load say that the controller has the metric, and have no value of it, with the
/// sequence number of the first of them. Outside of minReplicas and maxReplicas the controller computes no metric.
pub(in crate::judge) fn describe_missing_value(view: &RunView<'_>) -> Option<(String, u64)> {
    let (began, end) = view.load_span()?;
    let metric = view.metric.as_ref()?;
    let bounds = view.min_replicas..=view.max_replicas;
    let statuses = view.our_hpa_snapshots().rev().filter(|(o, _)| (began..=end).contains(&o.at_ms));
    let computed = statuses.filter(|(_, hpa)| {
        has_valid_metric(hpa) && hpa.current_replicas.is_some_and(|replicas| bounds.contains(&replicas))
    });
    let missing: Vec<_> = computed.take_while(|(_, hpa)| metric.reported_value(hpa).is_none()).collect();
    let (first, _) = missing.last()?;
    let is_lasting = missing.len() >= MIN_STATUSES || end >= first.at_ms + 2 * view.times.hpa_active().lenient_ms();
    is_lasting.then(|| {
        let text = format!(
            "under load the HPA's status says ScalingActive=True/ValidMetricFound and has no value of the {} from {} before the \
             load's end on: the records contradict each other",
            view.metric_title(),
            format_ms(end.saturating_sub(first.at_ms))
        );
        (text, first.seq)
    })
}

/// Describes an HPA that under load reports only values that the metrics API did not serve, with the sequence number of the
/// first status. One value may change between two polls, but not each of several.
pub(in crate::judge) fn describe_never_served(view: &RunView<'_>) -> Option<(String, u64)> {
    let (began, end) = view.load_span()?;
    let from = began + view.times.metric_lag().total_ms();
    let statuses = view.our_hpa_snapshots().filter(|(o, _)| (from..=end).contains(&o.at_ms));
    let valid = statuses.filter(|(_, hpa)| has_valid_metric(hpa));
    let compared: Vec<_> = valid.filter_map(|(o, hpa)| Some((o, hpa, was_served(view, o.at_ms, hpa)?))).collect();
    if compared.len() < MIN_STATUSES || compared.iter().any(|(_, _, was_served)| *was_served) {
        return None;
    }
    let (o, hpa, _) = compared.first()?;
    let value = view.metric.as_ref()?.reported_value(hpa)?;
    let (low, high) = served_range(view, o.at_ms)?;
    let text = format!(
        "under load each of the {} values that the HPA reports is one that the metrics API did not serve to this client, the \
         first {value} where it served {} to {}: another server or another metric answers the controller",
        compared.len(),
        Milli(low),
        Milli(high)
    );
    Some((text, o.seq))
}
