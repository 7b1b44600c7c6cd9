//! Axes: times and values → coordinates, and round numbers for the ticks.

/// Times → x.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeAxis {
    /// Time at the right edge, milliseconds; the left edge is 0.
    pub(super) end_ms: u64,
    /// x of the left edge.
    pub(super) left: f64,
    /// x of the right edge.
    pub(super) right: f64,
}

/// Tick distances of the time axis, seconds.
const TIME_STEPS: [u64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/// Smallest distance of two ticks of the time axis, SVG units: a label such as 1:02:05 fits.
const MIN_TICK_SPACING: f64 = 48.0;

impl TimeAxis {
    /// x of a time in milliseconds.
    pub(super) fn x(&self, at_ms: u64) -> f64 {
        let share = ms_to_seconds(at_ms.min(self.end_ms)) / ms_to_seconds(self.end_ms.max(1));
        self.left + (self.right - self.left) * share
    }

    /// Time in milliseconds at a fraction of the axis.
    pub(super) fn at_ms(&self, share: f64) -> u64 {
        std::time::Duration::from_secs_f64(ms_to_seconds(self.end_ms) * share.clamp(0.0, 1.0)).as_millis() as u64
    }

    /// The ticks, seconds.
    pub(super) fn ticks(&self) -> Vec<u64> {
        let end = self.end_ms / 1000;
        let max_ticks = ((self.right - self.left) / MIN_TICK_SPACING).floor().max(1.0) as u64;
        let step =
            TIME_STEPS.into_iter().find(|step| end / step <= max_ticks).unwrap_or_else(|| (end / max_ticks).max(1));
        (0..=end / step).map(|n| n * step).collect()
    }
}

/// Values → y.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueAxis {
    /// Value at the lower edge.
    pub(super) low: f64,
    /// Value at the upper edge.
    pub(super) high: f64,
    /// Distance between two ticks.
    pub(super) step: f64,
    /// y of the upper edge.
    pub(super) top: f64,
    /// y of the lower edge.
    pub(super) bottom: f64,
}

impl ValueAxis {
    /// An axis that covers 0 and all these values, with round numbers at its edges; `min_step` is 1 for counts.
    pub(super) fn from_values(values: impl Iterator<Item = f64>, min_step: f64, top: f64, bottom: f64) -> Self {
        let (low, high) = values.filter(|v| v.is_finite()).fold((0.0_f64, 0.0_f64), |(a, b), v| (a.min(v), b.max(v)));
        let high = if low == high { low + min_step.max(1.0) } else { high };
        let ticks = ((bottom - top) / 26.0).floor().clamp(1.0, 8.0);
        let step = round_step((high - low) / ticks).max(min_step);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step, top, bottom }
    }

    /// y of a value.
    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        self.bottom - (self.bottom - self.top) * share
    }

    /// The tick values.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round() as u32;
        (0..=count).map(|n| self.low + f64::from(n) * self.step).collect()
    }
}

/// The smallest of 1, 2 or 5 times a power of ten that is at least `min`.
fn round_step(min: f64) -> f64 {
    // No logarithm: its last bits differ between machines, and the report must not.
    let mut ten = 1e-6;
    while ten * 10.0 <= min {
        ten *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * ten).find(|step| *step >= min * 0.999).unwrap_or(10.0 * ten)
}

pub(super) fn ms_to_seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

/// A value as short text: `3`, `0.25`, `12.4`, `35k`, `1.2G`.
pub(super) fn format_value(value: f64) -> String {
    let (size, unit) = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")]
        .into_iter()
        .find(|(from, _)| value.abs() >= *from)
        .map_or((1.0, ""), |(from, unit)| (if unit == "k" { 1e3 } else { from }, unit));
    let text = format!("{:.*}", if (value / size).abs() >= 100.0 { 0 } else { 2 }, value / size);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{}{unit}", if text == "-0" { "0" } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_axis_has_round_ticks_whose_labels_do_not_touch() {
        let axis = TimeAxis { end_ms: 119_887, left: 50.0, right: 1070.0 };
        assert_eq!((axis.x(0), axis.x(119_887), axis.x(u64::MAX)), (50.0, 1070.0, 1070.0));
        assert_eq!(axis.ticks(), (0..=11).map(|n| n * 10).collect::<Vec<_>>());
        let hour = TimeAxis { end_ms: 3_600_000, left: 40.0, right: 340.0 };
        assert_eq!(hour.ticks(), [0, 600, 1200, 1800, 2400, 3000, 3600]);
        assert_eq!(TimeAxis { end_ms: 0, ..axis }.ticks(), [0]);
    }

    #[test]
    fn a_value_axis_covers_zero_and_ends_on_round_numbers() {
        let of = |values: &[f64]| ValueAxis::from_values(values.iter().copied(), 0.0, 0.0, 80.0);
        assert_eq!((of(&[99.666, 60.0]).high, of(&[99.666]).ticks().len()), (100.0, 3));
        assert_eq!((of(&[-3.0, 4.0]).low, of(&[-3.0, 4.0]).high), (-5.0, 5.0));
        assert_eq!(of(&[]).high, 1.0);
        assert_eq!(ValueAxis::from_values([3.0].into_iter(), 1.0, 0.0, 120.0).ticks(), [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn short_numbers() {
        let cases =
            [(3.0, "3"), (0.25, "0.25"), (99.666, "99.67"), (35_000.0, "35k"), (67_724_288.0, "67.72M"), (-0.0, "0")];
        for (value, text) in cases {
            assert_eq!(format_value(value), text);
        }
    }
}
