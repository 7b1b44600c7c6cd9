//! The table of checks.

use std::collections::BTreeSet;

use crate::judge::Prerequisite::{Part, Whole};
use crate::judge::checks::CheckPart;
use crate::judge::{Check, Prerequisite};
use crate::model::observation::Phase;

#[test]
fn each_check_is_one_row_with_its_own_name_and_earlier_prerequisites() {
    let checks: Vec<Check> = Check::all().collect();
    let names: BTreeSet<&str> = checks.iter().map(|check| check.name()).collect();
    assert_eq!(names.len(), checks.len(), "{names:?}");
    for check in checks {
        // A part of a check comes as early as the check itself.
        let needed = |prerequisite: &Prerequisite| match prerequisite {
            Whole(check) => *check,
            Part(CheckPart::MetricRises | CheckPart::MetricFalls) => Check::MetricFollowsLoad,
        };
        let later: Vec<Check> = check.prerequisites().iter().map(needed).filter(|needed| *needed >= check).collect();
        assert!(later.is_empty(), "{} needs {later:?}", check.name());
        assert!(!check.sentence().is_empty() && check.name().split('/').count() == 2, "{}", check.name());
    }
}

#[test]
fn each_phase_waits_for_its_own_checks_first() {
    let awaited = |phase| Prerequisite::awaited_in(phase);
    assert_eq!(awaited(Phase::Metric), [Whole(Check::PodsRequestAccelerators), Whole(Check::MetricServed)]);
    assert_eq!(awaited(Phase::Autoscaler), [Whole(Check::AutoscalerActive)]);
    assert_eq!(awaited(Phase::Baseline), [Whole(Check::IdleHolds)]);
    assert_eq!(
        awaited(Phase::ScaleUp),
        [Part(CheckPart::MetricRises), Whole(Check::ReplicasRise), Whole(Check::NewPodsRunOnAccelerators)]
    );
    assert_eq!(awaited(Phase::Hold), [Whole(Check::HoldSteady), Whole(Check::NewPodsServe)]);
    assert_eq!(
        awaited(Phase::ScaleDown),
        [
            Part(CheckPart::MetricFalls),
            Whole(Check::ReplicasFall),
            Whole(Check::ByTheAutoscaler),
            Whole(Check::DecisionsExplained)
        ]
    );
    assert!(awaited(Phase::Install).is_empty() && awaited(Phase::Cleanup).is_empty());
}
