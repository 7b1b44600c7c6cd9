//! The values that a pass may have been served: a smallest and a largest one for each series.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::MetricSpec;

use super::View;
use super::target::TargetState;
use crate::hpa;
use crate::record::observation::HpaSeen;
use crate::record::reading::{Reading, Sample};
use crate::units::Milli;

/// Series with bounds.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Every series that there may have been, at its smallest value.
    pub(super) least: Vec<Sample>,
    /// The same at their largest.
    pub(super) most: Vec<Sample>,
    /// For each, whether it surely was there.
    sure: Vec<bool>,
}

/// Bounds that are the same for all series, of whichever there are.
pub(super) struct Bounds {
    least: i64,
    most: i64,
    /// The value is an average over the pods made; the metric is the total.
    averages: bool,
    per_pod: bool,
}

impl View<'_> {
    /// The scenario's range of the metric, thousandths.
    fn range(&self) -> Option<(i64, i64)> {
        let [low, high] = self.records.scenario.metric.range?;
        let milli = |value: f64| format!("{value}").parse::<Milli>().ok().map(|milli| milli.0);
        Some((milli(low)?, milli(high)?))
    }

    /// True when no reading lies outside of it.
    pub(super) fn is_in_range(&self) -> bool {
        let all = || self.served.iter().filter_map(|served| served.reading.samples()).flatten();
        let within = |(least, most): (i64, i64)| {
            all().all(|sample| sample.value.is_none_or(|value| (least..=most).contains(&value.0)))
        };
        *self.in_range.get_or_init(|| self.range().is_some_and(within))
    }
}

impl Values {
    /// What was served between two readings: of each series the one value or the other, and of those that are in one
    /// only, perhaps none. `None` when one of them holds no values.
    pub(super) fn read(one: &Reading, next: &Reading) -> Option<Self> {
        let finite = |reading: &Reading| reading.samples().is_some_and(|all| all.iter().all(|s| s.value.is_some()));
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
    pub(super) fn any(view: &View<'_>) -> Option<Bounds> {
        let (least, most) = view.range()?;
        // Of an external metric all series count, however many.
        let one_each = view.metric_spec().is_some_and(|metric| metric.external.is_none());
        (one_each && view.is_in_range()).then(|| Bounds { least, most, averages: false, per_pod: view.is_per_pod() })
    }

    /// What a status reports: exactly for a Value target, as an average over the samples of a Pods metric, and over the
    /// pods made, rounded up, for the total behind an AverageValue target.
    pub(super) fn reported(view: &View<'_>, hpa: &HpaSeen) -> Option<Bounds> {
        let active = hpa.conditions.iter().any(|c| c.kind == "ScalingActive" && c.status == "True");
        let spec = &view.records.scenario.hpa.spec;
        let name = hpa::metric_of(spec, &view.records.scenario.namespace, &[])?.name().to_owned();
        let entry = hpa.metrics.iter().find(|entry| entry.name == name).filter(|_| active)?;
        let value = entry.average.or(entry.value)?.0;
        let averages = view.is_total();
        let least = if averages { value.checked_sub(1)? } else { value };
        Some(Bounds { least, most: value, averages, per_pod: view.is_per_pod() })
    }

    fn push(&mut self, least: Sample, most: Sample, sure: bool) {
        self.least.push(least);
        self.most.push(most);
        self.sure.push(sure);
    }

    /// The same series all the time.
    pub(super) fn is_paired(&self) -> bool {
        self.sure.iter().all(|sure| *sure)
    }

    /// The same series with the same values all the time.
    pub(super) fn is_fixed(&self) -> bool {
        self.is_paired() && self.least.iter().zip(&self.most).all(|(low, high)| low.value == high.value)
    }

    /// The objects whose series surely were there.
    pub(super) fn sure_objects(&self) -> BTreeSet<&str> {
        let sure = self.least.iter().zip(&self.sure).filter(|(_, sure)| **sure);
        sure.filter_map(|(sample, _)| sample.object.as_deref()).collect()
    }

    /// The smallest values of the series that surely were there and are wanted.
    pub(super) fn common(&self, wanted: impl Fn(&str) -> bool) -> Vec<Sample> {
        let is = |(sample, sure): &(&Sample, &bool)| **sure && sample.object.as_deref().is_some_and(&wanted);
        self.least.iter().zip(&self.sure).filter(is).map(|(sample, _)| sample.clone()).collect()
    }
}

impl Bounds {
    /// The values of the series that the target may have had in these states.
    pub(super) fn of(&self, states: &[TargetState]) -> Option<Values> {
        let mut values = Values::default();
        let mut push = |object: Option<String>, least: i64, most: i64| {
            let sample =
                |value| Sample { object: object.clone(), labels: Arc::default(), value: Some(Milli(value)), at: None };
            values.push(sample(least), sample(most), true);
        };
        if !self.per_pod {
            let made = || states.iter().map(|state| i64::from(state.status_size));
            let (few, many) = if self.averages { (made().min()?, made().max()?) } else { (1, 1) };
            push(None, self.least.checked_mul(few)?, self.most.checked_mul(many)?);
            return (few > 0).then_some(values);
        }
        let mut names: Vec<&str> = states.iter().flat_map(|s| s.pods.iter()).map(|pod| pod.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().for_each(|name| push(Some(name.to_owned()), self.least, self.most));
        Some(values)
    }
}

impl View<'_> {
    /// The metric that is read.
    pub(super) fn metric_spec(&self) -> Option<&MetricSpec> {
        self.records.scenario.hpa.spec.metrics.as_ref()?.first()
    }
}
