//! The values that a pass may have read: a smallest and a largest one for each series.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::RunView;
use super::target_state::TargetState;
use crate::model::metric_under_test::MetricKind;
use crate::model::observation::HpaSnapshot;
use crate::model::reading::{MetricReading, MetricSample};
use crate::model::shipped_profiles;
use crate::units::Milli;

/// Series with a lower and an upper bound of their values.
#[derive(Debug, Default)]
pub(super) struct SeriesBounds {
    /// Every possible series, at its smallest value.
    pub(super) lower: Vec<MetricSample>,
    /// The same series at their largest values.
    pub(super) upper: Vec<MetricSample>,
    /// For each series, whether it certainly existed.
    certain: Vec<bool>,
}

/// Bounds that are the same for all series, whichever exist.
pub(super) struct ValueBounds {
    lower: i64,
    upper: i64,
    /// True when the value is an average over the created pods, and the metric is their total.
    is_average: bool,
    is_per_pod: bool,
}

impl RunView<'_> {
    /// The scenario's range of the metric, in thousandths.
    pub(in crate::judge) fn metric_range(&self) -> Option<(i64, i64)> {
        let [low, high] = self.records.scenario.metric.value_range()?;
        let milli = |value: f64| format!("{value}").parse::<Milli>().ok().map(|milli| milli.0);
        Some((milli(low)?, milli(high)?))
    }

    /// True for a value that is no measurement: it is so far outside of the scenario's range that no unit explains it, or it is
    /// a blank value of a shipped profile, whatever profile the scenario has.
    pub(in crate::judge) fn is_implausible(&self, value: Milli) -> bool {
        if shipped_profiles::is_large_blank(value) {
            return true;
        }
        // Units of one metric differ by a factor of 1000 at most: a ratio, percent, thousandths.
        self.metric_range().is_some_and(|(low, high)| {
            value.0.unsigned_abs() > low.unsigned_abs().max(high.unsigned_abs()).saturating_mul(1000)
        })
    }

    /// True when no reading lies outside of the scenario's range.
    pub(super) fn is_metric_in_range(&self) -> bool {
        let all = || self.api_readings.iter().filter_map(|reading| reading.reading.samples()).flatten();
        let within = |(low, high): (i64, i64)| {
            all().all(|sample| sample.value.is_none_or(|value| (low..=high).contains(&value.0)))
        };
        *self.metric_in_range.get_or_init(|| self.metric_range().is_some_and(within))
    }
}

impl SeriesBounds {
    /// The bounds between two readings: each series has the value of one or the other, and a series of one reading
    /// alone may be missing. `None` when a reading has no values.
    pub(super) fn from_readings(one: &MetricReading, next: &MetricReading) -> Option<Self> {
        let finite =
            |reading: &MetricReading| reading.samples().is_some_and(|all| all.iter().all(|s| s.value.is_some()));
        if !finite(one) || !finite(next) {
            return None;
        }
        let (mut one, mut next) = (one.samples()?.iter().peekable(), next.samples()?.iter().peekable());
        let mut values = Self::default();
        loop {
            let order = match (one.peek(), next.peek()) {
                (None, None) => return Some(values),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => (&a.object, &a.labels).cmp(&(&b.object, &b.labels)),
            };
            let (a, b) = match order {
                Ordering::Less => (one.next(), None),
                Ordering::Greater => (None, next.next()),
                Ordering::Equal => (one.next(), next.next()),
            };
            let (a, b, certain) = (a.or(b)?, b.or(a)?, a.is_some() && b.is_some());
            let (low, high) = if a.value <= b.value { (a, b) } else { (b, a) };
            values.push(low.clone(), high.clone(), certain);
        }
    }

    /// The bounds of the scenario's range of the metric, as long as no reading lies outside of it.
    pub(super) fn bounds_by_range(view: &RunView<'_>) -> Option<ValueBounds> {
        let (lower, upper) = view.metric_range()?;
        // All series of an External metric count, however many, so one range for each gives no bound.
        let has_known_series = view.metric.as_ref().is_some_and(|metric| metric.kind != MetricKind::External);
        (has_known_series && view.is_metric_in_range()).then(|| ValueBounds {
            lower,
            upper,
            is_average: false,
            is_per_pod: view.is_per_pod(),
        })
    }

    /// The bounds by the value that a status reports: the exact value for a Value target, the average over the samples
    /// of a Pods metric, and the average over the created pods, rounded up, for a total with an AverageValue target.
    pub(super) fn bounds_by_status(view: &RunView<'_>, hpa: &HpaSnapshot) -> Option<ValueBounds> {
        let active = hpa.conditions.iter().any(|c| c.kind == "ScalingActive" && c.status == "True");
        let value = view.metric.as_ref()?.reported_value(hpa).filter(|_| active)?.0;
        let is_average = view.is_total();
        // The controller rounds an average up. A total below 0 would be another one: it takes that for an overflow.
        let lowest = if value < 0 { i64::MIN } else { 0 };
        let lower = if is_average { value.checked_sub(1)?.max(lowest) } else { value };
        Some(ValueBounds { lower, upper: value, is_average, is_per_pod: view.is_per_pod() })
    }

    fn push(&mut self, lower: MetricSample, upper: MetricSample, certain: bool) {
        self.lower.push(lower);
        self.upper.push(upper);
        self.certain.push(certain);
    }

    /// True when the series are the same in both readings.
    pub(super) fn has_same_series(&self) -> bool {
        self.certain.iter().all(|certain| *certain)
    }

    /// True when the series and their values are the same in both readings.
    pub(super) fn is_constant(&self) -> bool {
        self.has_same_series() && self.lower.iter().zip(&self.upper).all(|(low, high)| low.value == high.value)
    }

    /// The objects whose series certainly existed.
    pub(super) fn certain_objects(&self) -> BTreeSet<&str> {
        let certain = self.lower.iter().zip(&self.certain).filter(|(_, certain)| **certain);
        certain.filter_map(|(sample, _)| sample.object.as_deref()).collect()
    }

    /// The smallest values of the series that certainly existed, of the objects that satisfy a condition.
    pub(super) fn certain_samples(&self, includes: impl Fn(&str) -> bool) -> Vec<MetricSample> {
        let is_included =
            |(sample, certain): &(&MetricSample, &bool)| **certain && sample.object.as_deref().is_some_and(&includes);
        self.lower.iter().zip(&self.certain).filter(is_included).map(|(sample, _)| sample.clone()).collect()
    }
}

impl ValueBounds {
    /// The bounds of the series that the target may have had in these states.
    pub(super) fn to_series_bounds(&self, states: &[TargetState]) -> Option<SeriesBounds> {
        let mut values = SeriesBounds::default();
        let mut push = |object: Option<String>, lower: i64, upper: i64| {
            let sample = |value| MetricSample {
                object: object.clone(),
                labels: Arc::default(),
                value: Some(Milli(value)),
                timestamp: None,
            };
            values.push(sample(lower), sample(upper), true);
        };
        if !self.is_per_pod {
            let created = || states.iter().map(|state| i64::from(state.status_replicas));
            let (fewest, most) = if self.is_average { (created().min()?, created().max()?) } else { (1, 1) };
            push(None, self.lower.checked_mul(fewest)?, self.upper.checked_mul(most)?);
            return (fewest > 0).then_some(values);
        }
        let mut names: Vec<&str> = states.iter().flat_map(|s| s.pods.iter()).map(|pod| pod.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().for_each(|name| push(Some(name.to_owned()), self.lower, self.upper));
        Some(values)
    }
}
