//! The time of a workload's last write, from its managed fields.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Finds the time of a workload's last write in its managed fields. A write through the scale subresource, as the
/// HPA's, has no time there (Kubernetes 1.37.2): the newest time is then that of an earlier write, and too early for
/// the new size. So a state gets a time only if the newest time has changed since the previous state.
#[derive(Debug, Default)]
pub(super) struct WriteTimes {
    latest: Option<Timestamp>,
}

impl WriteTimes {
    /// The time of the write that led to this state, if known. Callers must pass every state, in order.
    pub(super) fn next_write_time(&mut self, meta: &ObjectMeta) -> Option<Timestamp> {
        let times = meta.managed_fields.iter().flatten().filter_map(|entry| entry.time.as_ref());
        let newest = times.map(|time| time.0).max();
        let before = std::mem::replace(&mut self.latest, newest);
        newest.filter(|_| newest != before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_write_that_has_no_time_does_not_get_that_of_an_earlier_one() {
        let mut meta: ObjectMeta = serde_json::from_value(json!({"managedFields": [
            {"manager": "helm", "operation": "Apply", "time": "2026-08-22T10:00:00Z"},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale"},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
                "time": "2026-08-22T10:05:07Z"}]}))
        .unwrap();
        let mut writes = WriteTimes::default();
        assert_eq!(writes.next_write_time(&meta), "2026-08-22T10:05:07Z".parse().ok());
        assert_eq!(writes.next_write_time(&meta), None, "the HPA's write");
        meta.managed_fields.as_mut().unwrap()[2].time = serde_json::from_value(json!("2026-08-22T10:06:00Z")).ok();
        assert_eq!(writes.next_write_time(&meta), "2026-08-22T10:06:00Z".parse().ok(), "the status that follows");
    }
}
