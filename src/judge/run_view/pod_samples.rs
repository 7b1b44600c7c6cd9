//! Which pod a sample is of: by its pod label, in the target's namespace, and taken while that pod was there. A pod of another
//! namespace may have the same name, as those of a StatefulSet have, and a store serves the last sample of a pod that is gone.

use std::borrow::Cow;
use std::sync::Arc;

use super::RunView;
use crate::metrics::namespace_of_pod;
use crate::model::reading::{MetricReading, MetricSample};

impl RunView<'_> {
    /// The name of the pod that a sample names; `None` for an object of another namespace. A series without a namespace
    /// counts as one of the target's.
    pub(in crate::judge) fn pod_of<'s>(&self, sample: &'s MetricSample) -> Option<&'s str> {
        let name = sample.object.as_deref()?;
        if sample.labels.is_empty() {
            return Some(name);
        }
        // The labels of a series are shared between its readings.
        let key = Arc::as_ptr(&sample.labels) as usize;
        let is_foreign = *self.foreign_labels.borrow_mut().entry(key).or_insert_with(|| {
            let scenario = self.records.scenario;
            let namespace = namespace_of_pod(&sample.labels, &scenario.metric.profile_or_generic().labels);
            namespace.is_some_and(|namespace| namespace != scenario.namespace)
        });
        (!is_foreign).then_some(name)
    }

    /// The pod that a sample names, with its namespace where it is not the target's.
    pub(in crate::judge) fn full_name_of_pod<'s>(&self, sample: &'s MetricSample) -> Option<Cow<'s, str>> {
        let name = sample.object.as_deref()?;
        if self.pod_of(sample).is_some() {
            return Some(Cow::Borrowed(name));
        }
        let names = &self.records.scenario.metric.profile_or_generic().labels;
        Some(Cow::Owned(format!("{}/{name}", namespace_of_pod(&sample.labels, names)?)))
    }

    /// True when a sample is of a pod of the target.
    pub(in crate::judge) fn is_of_target(&self, sample: &MetricSample) -> bool {
        sample.object.as_deref().is_some_and(|name| self.is_target_pod(name)) && self.pod_of(sample).is_some()
    }

    /// The samples of a pod in a reading that were taken at `since_ms` or later.
    pub(in crate::judge) fn samples_of<'s>(
        &'s self,
        reading: &'s MetricReading,
        pod: &'s str,
        since_ms: u64,
    ) -> impl Iterator<Item = &'s MetricSample> {
        let named = self.current_samples(reading).filter(move |sample| sample.object.as_deref() == Some(pod));
        named.filter(move |sample| self.pod_of(sample).is_some() && self.is_sampled_since(sample, since_ms))
    }

    /// True for a sample that was taken at `from_ms` or later, as far as it has a time. Which samples of a reading are current is
    /// the matter of [`Self::current_samples`].
    pub(in crate::judge) fn is_sampled_since(&self, sample: &MetricSample, from_ms: u64) -> bool {
        let latest_ms = sample.timestamp.and_then(|at| self.to_run_clock(at)).map(|(_, latest_ms)| latest_ms);
        let is_new = |latest_ms: i64| u64::try_from(latest_ms).is_ok_and(|at| at >= from_ms);
        latest_ms.is_none_or(is_new)
    }
}
