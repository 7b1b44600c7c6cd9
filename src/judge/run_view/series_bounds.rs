//! The values that a pass may have been served: a smallest and a largest one for each series.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::MetricSpec;

use super::RunView;
use super::target_state::TargetState;
use crate::hpa;
use crate::model::observation::HpaSnapshot;
use crate::model::reading::{MetricReading, MetricSample};
use crate::units::Milli;

/// Series with bounds.
#[derive(Debug, Default)]
pub(super) struct SeriesBounds {
    /// Every series that there may have been, at its smallest value.
    pub(super) lower: Vec<MetricSample>,
    /// The same at their largest.
    pub(super) upper: Vec<MetricSample>,
    /// For each, whether it surely was there.
    certain: Vec<bool>,
}

/// Bounds that are the same for all series, of whichever there are.
pub(super) struct ValueBounds {
    lower: i64,
    upper: i64,
    /// The value is an average over the pods made; the metric is the total.
    is_average: bool,
    is_per_pod: bool,
}

impl RunView<'_> {
    /// The scenario's range of the metric, thousandths.
    fn metric_range(&self) -> Option<(i64, i64)> {
        let [low, high] = self.records.scenario.metric.range?;
        let milli = |value: f64| format!("{value}").parse::<Milli>().ok().map(|milli| milli.0);
        Some((milli(low)?, milli(high)?))
    }

    /// True when no reading lies outside of it.
    pub(super) fn is_metric_in_range(&self) -> bool {
        let all = || self.api_readings.iter().filter_map(|served| served.reading.samples()).flatten();
        let within = |(least, most): (i64, i64)| {
            all().all(|sample| sample.value.is_none_or(|value| (least..=most).contains(&value.0)))
        };
        *self.metric_in_range.get_or_init(|| self.metric_range().is_some_and(within))
    }
}

impl SeriesBounds {
    /// What was served between two readings: of each series the one value or the other, and of those that are in one
    /// only, perhaps none. `None` when one of them holds no values.
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
            let (a, b, sure) = (a.or(b)?, b.or(a)?, a.is_some() && b.is_some());
            let (low, high) = if a.value <= b.value { (a, b) } else { (b, a) };
            values.push(low.clone(), high.clone(), sure);
        }
    }

    /// Whatever the scenario's range of the metric allows, as long as no reading lies outside of it.
    pub(super) fn bounds_by_range(view: &RunView<'_>) -> Option<ValueBounds> {
        let (least, most) = view.metric_range()?;
        // Of an external metric all series count, however many.
        let one_each = view.metric_spec().is_some_and(|metric| metric.external.is_none());
        (one_each && view.is_metric_in_range()).then(|| ValueBounds {
            lower: least,
            upper: most,
            is_average: false,
            is_per_pod: view.is_per_pod(),
        })
    }

    /// What a status reports: exactly for a Value target, as an average over the samples of a Pods metric, and over the
    /// pods made, rounded up, for the total behind an AverageValue target.
    pub(super) fn bounds_by_status(view: &RunView<'_>, hpa: &HpaSnapshot) -> Option<ValueBounds> {
        let active = hpa.conditions.iter().any(|c| c.kind == "ScalingActive" && c.status == "True");
        let spec = &view.records.scenario.hpa.spec;
        let name = hpa::metric_from_spec(spec, &view.records.scenario.namespace, &[])?.name().to_owned();
        let entry = hpa.current_metrics.iter().find(|entry| entry.name == name).filter(|_| active)?;
        let value = entry.average_value.or(entry.value)?.0;
        let averages = view.is_total();
        let least = if averages { value.checked_sub(1)? } else { value };
        Some(ValueBounds { lower: least, upper: value, is_average: averages, is_per_pod: view.is_per_pod() })
    }

    fn push(&mut self, least: MetricSample, most: MetricSample, sure: bool) {
        self.lower.push(least);
        self.upper.push(most);
        self.certain.push(sure);
    }

    /// The same series all the time.
    pub(super) fn has_same_series(&self) -> bool {
        self.certain.iter().all(|sure| *sure)
    }

    /// The same series with the same values all the time.
    pub(super) fn is_constant(&self) -> bool {
        self.has_same_series() && self.lower.iter().zip(&self.upper).all(|(low, high)| low.value == high.value)
    }

    /// The objects whose series surely were there.
    pub(super) fn certain_objects(&self) -> BTreeSet<&str> {
        let sure = self.lower.iter().zip(&self.certain).filter(|(_, sure)| **sure);
        sure.filter_map(|(sample, _)| sample.object.as_deref()).collect()
    }

    /// The smallest values of the series that surely were there and are wanted.
    pub(super) fn certain_samples(&self, wanted: impl Fn(&str) -> bool) -> Vec<MetricSample> {
        let is = |(sample, sure): &(&MetricSample, &bool)| **sure && sample.object.as_deref().is_some_and(&wanted);
        self.lower.iter().zip(&self.certain).filter(is).map(|(sample, _)| sample.clone()).collect()
    }
}

impl ValueBounds {
    /// The values of the series that the target may have had in these states.
    pub(super) fn to_series_bounds(&self, states: &[TargetState]) -> Option<SeriesBounds> {
        let mut values = SeriesBounds::default();
        let mut push = |object: Option<String>, least: i64, most: i64| {
            let sample = |value| MetricSample {
                object: object.clone(),
                labels: Arc::default(),
                value: Some(Milli(value)),
                timestamp: None,
            };
            values.push(sample(least), sample(most), true);
        };
        if !self.is_per_pod {
            let made = || states.iter().map(|state| i64::from(state.status_replicas));
            let (few, many) = if self.is_average { (made().min()?, made().max()?) } else { (1, 1) };
            push(None, self.lower.checked_mul(few)?, self.upper.checked_mul(many)?);
            return (few > 0).then_some(values);
        }
        let mut names: Vec<&str> = states.iter().flat_map(|s| s.pods.iter()).map(|pod| pod.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().for_each(|name| push(Some(name.to_owned()), self.lower, self.upper));
        Some(values)
    }
}

impl RunView<'_> {
    /// The metric that is read.
    pub(super) fn metric_spec(&self) -> Option<&MetricSpec> {
        self.records.scenario.hpa.spec.metrics.as_ref()?.first()
    }
}
