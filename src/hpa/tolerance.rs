//! How far a ratio may lie from 1 before it asks for another size.

use super::Behavior;

/// The controller's tolerance for each direction: fractions, so 0.1 is 10 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// How far above 1 a ratio may be.
    pub up: f64,
    /// How far below 1 a ratio may be.
    pub down: f64,
}

impl Tolerance {
    /// The tolerance of one HPA: the controller's flag (`--horizontal-pod-autoscaler-tolerance`, 0.1 unless set),
    /// replaced on each side for which `spec.behavior` names one (gate `HPAConfigurableTolerance`, locked on in 1.37).
    pub fn new(flag: f64, behavior: Option<&Behavior>) -> Self {
        let side = |own: Option<f64>| own.unwrap_or(flag);
        Self {
            up: side(behavior.and_then(|b| b.scale_up.tolerance)),
            down: side(behavior.and_then(|b| b.scale_down.tolerance)),
        }
    }

    /// Turns thousandths, the canonical form of a tolerance in a spec (`50m`), into the double that the controller
    /// sees: `milli * 1e-3`, which is not always `milli / 1e3` (`Quantity.AsApproximateFloat64`).
    pub fn side_from_milli(milli: i64) -> f64 {
        super::integer::double(milli) * 1e-3
    }

    /// Whether a ratio of usage to target asks for no change. Both edges are inside; NaN never is.
    ///
    /// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`; SCHEMA, Conventions,
    /// `within(r)`.
    pub fn within(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_of_exactly_one_point_one_does_not_scale() {
        let tolerance = Tolerance { up: 0.1, down: 0.1 };
        for (usage, target) in [(55.0, 50.0), (77.0, 70.0), (88.0, 80.0), (110.0, 100.0), (63.0, 70.0)] {
            assert!(tolerance.within(usage / target), "{usage}/{target}");
        }
        assert!(!tolerance.within(77_001.0 / 70_000.0));
        assert!(!tolerance.within(62_999.0 / 70_000.0));
        assert!(!tolerance.within(f64::NAN));
    }
}
