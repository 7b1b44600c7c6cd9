//! Functions of the samples of a range (promql/functions.go, `extrapolatedRate`, `instantValue`, `aggrOverTime`).

/// The samples of one series in a range, oldest first and never empty, and the range.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeriesRange<'a> {
    pub(super) samples: &'a [(i64, f64)],
    /// End of the range, milliseconds of the run's clock.
    pub(super) end_ms: i64,
    pub(super) window_ms: i64,
}

/// A function of a range.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim::pipeline) struct RangeFunction {
    name: &'static str,
    /// Whether the result keeps the name of the series.
    pub(super) keeps_name: bool,
    /// `None` where the range has too few samples.
    pub(super) apply: fn(SeriesRange<'_>) -> Option<f64>,
}

const fn range_function(name: &'static str, apply: fn(SeriesRange<'_>) -> Option<f64>) -> RangeFunction {
    RangeFunction { name, keeps_name: false, apply }
}

const FUNCTIONS: [RangeFunction; 14] = [
    range_function("avg_over_time", |r| Some(r.sum() / r.count())),
    range_function("sum_over_time", |r| Some(r.sum())),
    range_function("count_over_time", |r| Some(r.count())),
    range_function("present_over_time", |_| Some(1.0)),
    // NaN only where every value is.
    range_function("max_over_time", |r| Some(r.values().fold(f64::NAN, f64::max))),
    range_function("min_over_time", |r| Some(r.values().fold(f64::NAN, f64::min))),
    RangeFunction { name: "last_over_time", keeps_name: true, apply: |r| r.values().last() },
    range_function("rate", |r| Some(r.extrapolated_increase(true)? / r.window_seconds())),
    range_function("increase", |r| r.extrapolated_increase(true)),
    range_function("delta", |r| r.extrapolated_increase(false)),
    range_function("irate", |r| r.last_step().map(|(before, last, s)| counter_step(before, last) / s)),
    range_function("idelta", |r| r.last_step().map(|(before, last, _)| last - before)),
    range_function("changes", |r| {
        Some(r.count_steps(|a, b| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan())))
    }),
    range_function("resets", |r| Some(r.count_steps(|a, b| b < a))),
];

impl RangeFunction {
    /// The function of a name.
    pub(super) fn find(name: &str) -> Option<Self> {
        FUNCTIONS.into_iter().find(|function| function.name == name)
    }
}

/// The increase of a counter between two samples: a counter that falls has started again from 0.
fn counter_step(before: f64, last: f64) -> f64 {
    if last < before { last } else { last - before }
}

#[expect(clippy::cast_precision_loss, reason = "times of a run and numbers of samples are far below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

impl SeriesRange<'_> {
    fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|(_, value)| *value)
    }

    fn sum(&self) -> f64 {
        self.values().sum()
    }

    fn count(&self) -> f64 {
        u32::try_from(self.samples.len()).map_or(f64::from(u32::MAX), f64::from)
    }

    fn window_seconds(&self) -> f64 {
        seconds(self.window_ms)
    }

    fn count_steps(&self, is_counted: fn(f64, f64) -> bool) -> f64 {
        let steps = self.samples.windows(2).filter(|pair| matches!(pair, [(_, a), (_, b)] if is_counted(*a, *b)));
        u32::try_from(steps.count()).map_or(f64::from(u32::MAX), f64::from)
    }

    /// The values of the last two samples, and the seconds between them.
    fn last_step(&self) -> Option<(f64, f64, f64)> {
        match self.samples {
            [.., (before_ms, before), (last_ms, last)] if last_ms > before_ms => {
                Some((*before, *last, seconds(last_ms - before_ms)))
            }
            _ => None,
        }
    }

    /// The increase over the whole range. It reaches to an end of the range where the samples do within 1.1 times their
    /// average distance, else half that distance beyond them; a counter not below its zero.
    fn extrapolated_increase(&self, is_counter: bool) -> Option<f64> {
        let [(first_ms, first), .., (last_ms, last)] = self.samples else { return None };
        let steps = self.samples.windows(2).filter_map(|pair| match pair {
            [(_, before), (_, after)] if after < before => Some(*before),
            _ => None,
        });
        let lost_in_resets: f64 = if is_counter { steps.sum() } else { 0.0 };
        let increase = last - first + lost_in_resets;
        let sampled = seconds(last_ms - first_ms);
        let distance = sampled / (self.count() - 1.0);
        let reach = |gap: f64| if gap >= distance * 1.1 { distance / 2.0 } else { gap };
        let mut to_start = reach(seconds(first_ms - (self.end_ms - self.window_ms)));
        if is_counter && increase > 0.0 && *first >= 0.0 {
            to_start = to_start.min(sampled * (first / increase));
        }
        let to_end = reach(seconds(self.end_ms - last_ms));
        let factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
        Some(increase * factor)
    }
}
