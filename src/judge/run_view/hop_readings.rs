//! The readings of the metric by hop and time, and which of their samples are current.

use std::ops::RangeInclusive;

use super::received::received_in;
use super::{ObservedItem, RunView};
use crate::bounds::SLACK;
use crate::model::reading::{MetricHop, MetricReading, MetricSample};

impl<'a> RunView<'a> {
    /// The readings that were received from the first to the last of these times.
    pub(in crate::judge) fn readings_in(&self, span: RangeInclusive<u64>) -> &[ObservedItem<'a, MetricReading>] {
        received_in(&self.readings, span)
    }

    /// Those of one hop.
    pub(in crate::judge) fn readings_at_hop(
        &self,
        hop: MetricHop,
        span: RangeInclusive<u64>,
    ) -> impl DoubleEndedIterator<Item = &ObservedItem<'a, MetricReading>> {
        self.readings_in(span).iter().filter(move |(_, reading)| reading.hop == hop)
    }

    /// The samples of a reading without those of series that have ended. A store returns the last sample of a series for
    /// minutes after its pod is gone, while the other series go on: it is older than the newest sample by more than the
    /// time between two scrapes. Or the store marks the series as stale, which is no number.
    pub(in crate::judge) fn current_samples<'r>(
        &self,
        reading: &'r MetricReading,
    ) -> impl Iterator<Item = &'r MetricSample> + use<'r> {
        let samples = reading.samples().unwrap_or_default();
        let timestamps = samples.iter().filter(|sample| sample.value.is_some()).filter_map(|sample| sample.timestamp);
        let newest = timestamps.max().filter(|_| reading.hop == MetricHop::Store);
        let lenient_ms = 2 * self.times.assumptions.scrape_interval.ms() + SLACK.ms();
        samples.iter().filter(|sample| sample.value.is_some()).filter(move |sample| {
            let age = newest.zip(sample.timestamp).map(|(newest, at)| newest.duration_since(at));
            age.and_then(|age| u64::try_from(age.as_millis()).ok()).is_none_or(|age_ms| age_ms <= lenient_ms)
        })
    }
}
