//! The tolerance: how far the ratio of usage to target may differ from 1 without scaling.

use super::Behavior;

/// The tolerance of each direction, a fraction: 0.1 is 10 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Largest ratio above 1 without scale-up, minus 1.
    pub up: f64,
    /// 1 minus the smallest ratio without scale-down.
    pub down: f64,
}

impl Tolerance {
    /// The tolerance of one HPA: the controller's flag (`--horizontal-pod-autoscaler-tolerance`, default 0.1), replaced
    /// in each direction for which `spec.behavior` sets one (gate `HPAConfigurableTolerance`, locked on in 1.37).
    pub(crate) fn new(flag: f64, behavior: Option<&Behavior>) -> Self {
        Self::from_sides(
            flag,
            behavior.and_then(|b| b.scale_up.tolerance),
            behavior.and_then(|b| b.scale_down.tolerance),
        )
    }

    /// The controller's flag, replaced in each direction for which the spec states a tolerance.
    pub(crate) fn from_sides(flag: f64, up: Option<f64>, down: Option<f64>) -> Self {
        Self { up: up.unwrap_or(flag), down: down.unwrap_or(flag) }
    }

    /// Converts thousandths, the canonical form of a tolerance in a spec (`50m`), to the double that the controller
    /// uses: `milli * 1e-3`, which is not always `milli / 1e3` (`Quantity.AsApproximateFloat64`).
    pub(crate) fn side_from_milli(milli: i64) -> f64 {
        super::integer::double(milli) * 1e-3
    }

    /// Whether a ratio of usage to target recommends no change. Both limits are inside; NaN never is.
    ///
    /// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`; SCHEMA.md, Conventions,
    /// `within(r)`.
    pub(crate) fn within(self, ratio: f64) -> bool {
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
