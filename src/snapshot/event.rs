//! Reduces a Kubernetes event to what the checks read. Two recorders write events: that of core/v1 sets `count` and
//! timestamps of whole seconds, that of events.k8s.io sets `eventTime` and `series`.

use k8s_openapi::api::core::v1::Event;

use crate::model::observation::EventSnapshot;

/// Reduces an event.
#[must_use]
pub(crate) fn snapshot_event(event: &Event) -> EventSnapshot {
    let object = &event.involved_object;
    let series = event.series.as_ref();
    let once = event.event_time.as_ref().map(|time| time.0);
    let first = event.first_timestamp.as_ref().map(|time| time.0).or(once);
    let repeated = series.and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = repeated.or(event.last_timestamp.as_ref().map(|time| time.0)).or(once);
    let component = event.reporting_component.clone().filter(|name| !name.is_empty());
    EventSnapshot {
        object: format!(
            "{}/{}",
            object.kind.as_deref().unwrap_or_default(),
            object.name.as_deref().unwrap_or_default()
        ),
        uid: object.uid.clone().unwrap_or_default(),
        kind: event.type_.clone().unwrap_or_default(),
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.clone().unwrap_or_default(),
        component: component
            .or_else(|| event.source.as_ref().and_then(|source| source.component.clone()))
            .unwrap_or_default(),
        count: event.count.or(series.and_then(|series| series.count)).unwrap_or(1),
        first_timestamp: first,
        last_timestamp: last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn reduced(event: Value) -> EventSnapshot {
        snapshot_event(&serde_json::from_value(event).unwrap())
    }

    #[test]
    fn an_event_of_the_core_recorder_keeps_its_count_and_times() {
        let snapshot = reduced(json!({
            "metadata": {"name": "ollama.17", "namespace": "ai", "uid": "e1"},
            "involvedObject": {"kind": "HorizontalPodAutoscaler", "name": "ollama", "uid": "u1"},
            "type": "Normal", "reason": "SuccessfulRescale",
            "message": "New size: 2; reason: pods metric gpu above target",
            "source": {"component": "horizontal-pod-autoscaler"}, "reportingComponent": "horizontal-pod-autoscaler",
            "reportingInstance": "", "eventTime": null,
            "firstTimestamp": "2026-08-22T10:05:00Z", "lastTimestamp": "2026-08-22T10:06:00Z", "count": 2}));
        assert_eq!(
            snapshot,
            EventSnapshot {
                object: "HorizontalPodAutoscaler/ollama".into(),
                uid: "u1".into(),
                kind: "Normal".into(),
                reason: "SuccessfulRescale".into(),
                message: "New size: 2; reason: pods metric gpu above target".into(),
                component: "horizontal-pod-autoscaler".into(),
                count: 2,
                first_timestamp: "2026-08-22T10:05:00Z".parse().ok(),
                last_timestamp: "2026-08-22T10:06:00Z".parse().ok(),
            }
        );
    }

    #[test]
    fn an_event_of_events_k8s_io_has_its_time_in_event_time_and_series() {
        let mut event = json!({
            "metadata": {"name": "p.1", "uid": "e2"}, "involvedObject": {"kind": "Pod", "name": "p", "uid": "u"},
            "type": "Warning", "reason": "FailedScheduling", "reportingComponent": "default-scheduler",
            "eventTime": "2026-08-22T10:05:00.123456Z", "firstTimestamp": null, "lastTimestamp": null});
        let snapshot = reduced(event.clone());
        assert_eq!(
            (snapshot.count, snapshot.first_timestamp, snapshot.last_timestamp),
            (1, snapshot.last_timestamp, "2026-08-22T10:05:00.123456Z".parse().ok())
        );
        assert_eq!(snapshot.component, "default-scheduler");
        event["series"] = json!({"count": 4, "lastObservedTime": "2026-08-22T10:09:00.000000Z"});
        let snapshot = reduced(event);
        assert_eq!((snapshot.count, snapshot.last_timestamp), (4, "2026-08-22T10:09:00Z".parse().ok()));
    }
}
