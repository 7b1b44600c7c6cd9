//! Faults of the HPA controller, and hands that take its place.

use super::{ACTIVE, BY, EARLY, FALL, Fault, HOLD, IDLE, Must, ORACLE, RISE};
use crate::sim::Setting;
use crate::sim::controllers::{Behaves, Mishap, Moment, What, When};
use crate::units::Span;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "hpa-controller-off",
        what: "no HPA controller runs",
        spoil: |s| behaves(s, Behaves::Off),
        must: &[Must::Fail(ACTIVE)],
    },
    Fault {
        name: "hpa-stuck",
        what: "the HPA controller makes no pass any more after its fourth",
        spoil: |s| behaves(s, Behaves::StuckAfter(4)),
        must: &[Must::Fail(RISE)],
    },
    Fault {
        name: "hpa-stops-after-rise",
        what: "the HPA controller makes no pass any more after the scale-up",
        spoil: |s| behaves(s, Behaves::StopsAfterRise),
        must: &[Must::Fail(FALL)],
    },
    Fault {
        name: "hpa-never-down",
        what: "the HPA controller never lowers a size",
        spoil: |s| behaves(s, Behaves::NeverDown),
        must: &[Must::Fail(FALL)],
    },
    Fault {
        name: "hpa-never-up",
        what: "the HPA controller never raises a size",
        spoil: |s| behaves(s, Behaves::NeverUp),
        must: &[Must::Fail(RISE)],
    },
    Fault {
        name: "hpa-scales-alone",
        what: "the HPA controller scales up without load, by something else than the metric",
        spoil: |s| behaves(s, Behaves::Alone(Span::from_secs(20))),
        must: &[Must::Fail(IDLE)],
    },
    Fault {
        name: "hpa-flaps",
        what: "the HPA controller takes replicas away and adds them again under constant load",
        spoil: |s| behaves(s, Behaves::FlapsAfter(Span::default())),
        must: &[Must::Fail(ORACLE)],
    },
    Fault {
        name: "hpa-flaps-later",
        what: "the HPA controller begins to take replicas away and to add them again when the load has held for a while",
        spoil: |s| behaves(s, Behaves::FlapsAfter(Span::from_secs(120))),
        // It may begin before the size is held, when a pod is not Ready yet.
        must: &[Must::Fail(HOLD), Must::Fail(ORACLE)],
    },
    Fault {
        name: "hpa-ignores-window",
        what: "the HPA controller lowers a size at once, without the stabilization window",
        spoil: |s| behaves(s, Behaves::WindowPercent(0)),
        // Under load a short fall of the metric is enough, of which a reading may show nothing.
        must: &[Must::Fail(EARLY), Must::Fail(ORACLE), Must::Fail(HOLD)],
    },
    Fault {
        name: "hpa-halves-window",
        what: "the HPA controller keeps half of the stabilization window that the HPA states",
        spoil: |s| behaves(s, Behaves::WindowPercent(50)),
        must: &[Must::Fail(EARLY)],
    },
    Fault {
        name: "hpa-beyond-max",
        what: "the HPA controller raises beyond maxReplicas",
        spoil: |s| behaves(s, Behaves::BeyondMax(1)),
        must: &[Must::Fail(ORACLE)],
    },
    Fault {
        name: "second-hpa",
        what: "another HPA selects the same pods",
        spoil: |s| mishap(s, Moment::AutoscalerMade, Span::from_ms(0), What::SecondAutoscaler),
        must: &[Must::Inconclusive(ACTIVE)],
    },
    Fault {
        name: "hand-up",
        what: "somebody scales up with kubectl during the rise",
        spoil: |s| mishap(s, Moment::FirstRise, Span::from_secs(5), What::Scales(1)),
        must: &[BY],
    },
    Fault {
        name: "hand-down",
        what: "somebody scales down with kubectl under load",
        spoil: |s| mishap(s, Moment::FirstRise, Span::from_secs(40), What::Scales(-1)),
        must: &[BY],
    },
    Fault {
        name: "hand-edits",
        what: "somebody edits the target's replicas",
        spoil: |s| mishap(s, Moment::FirstRise, Span::from_secs(5), What::Edits(1)),
        must: &[BY],
    },
];

fn behaves(setting: &mut Setting, how: Behaves) {
    setting.controllers.autoscaler.behaves = how;
}

fn mishap(setting: &mut Setting, moment: Moment, after: Span, what: What) {
    setting.controllers.mishaps.push(Mishap { when: When { moment, after }, what });
}
