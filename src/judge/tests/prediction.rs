//! The prediction that the report shows beside the observed sizes.

use super::run_fixture::{SCALED_TO_1, SCALED_TO_2, SCALED_TO_3, healthy, recorded};
use crate::judge::predict;
use crate::model::prediction::AllowedReplicas;

#[test]
fn each_change_of_the_healthy_run_lies_in_what_was_allowed() {
    let run = healthy();
    let changes = predict(run.records()).changes;
    let observed: Vec<_> = changes.iter().map(|change| (change.at_ms, change.from, change.to)).collect();
    assert_eq!(observed, [(SCALED_TO_2, 1, 2), (SCALED_TO_3, 2, 3), (SCALED_TO_1, 3, 1)]);
    for change in &changes {
        let Some(AllowedReplicas { by_readings: [least, most], .. }) = &change.allowed else {
            panic!("{change:?} was not made by the controller")
        };
        assert!(
            least.is_none_or(|least| least <= change.to) && most.is_none_or(|most| change.to <= most),
            "{change:?}"
        );
        assert!(change.writer.starts_with("kube-controller-manager"), "{}", change.writer);
    }
    // The spec allows two pods in 15 s.
    assert_eq!(changes[0].allowed.as_ref().and_then(|allowed| allowed.rate_limit), Some(3));
}

#[test]
fn a_change_by_another_writer_has_no_prediction() {
    let run = healthy().written_by(SCALED_TO_3, "kubectl", "");
    let changes = predict(run.records()).changes;
    assert_eq!(changes.iter().map(|change| change.allowed.is_some()).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn readings_recommend_more_under_load_and_nothing_while_the_metric_is_absent() {
    let readings = predict(healthy().records()).recommendations;
    assert!(readings.iter().any(|reading| reading.replicas >= Some(3)));
    assert!(readings[0].replicas.is_none(), "without an HPA there is no recommendation");
    let away = predict(recorded("adapter-away").records()).recommendations;
    assert!(away.iter().filter(|reading| reading.value.is_none()).count() > 10);
}
