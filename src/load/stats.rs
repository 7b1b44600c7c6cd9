//! Counters and histograms of the whole load. Workers take the lock a few times per request, never per chunk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::LoadError;
use super::quantiles::{HistogramPrecision, MicrosHistogram, compute_quantiles, new_histogram};
use crate::model::load::{LoadReport, LoadSpec, RequestOutcome, RequestRecord};
use crate::model::observation::{FailureCount, LoadSnapshot};

/// Counters and histograms of the load.
#[derive(Debug)]
pub(super) struct LoadStats {
    concurrency: u32,
    totals: Mutex<LoadTotals>,
}

#[derive(Debug)]
struct LoadTotals {
    started: u64,
    ended: u64,
    connections: u64,
    first_sent_us: Option<u64>,
    last_ended_us: u64,
    outcomes: BTreeMap<RequestOutcome, u64>,
    examples: BTreeMap<RequestOutcome, String>,
    tokens: u64,
    ttft_us: MicrosHistogram,
    ttft_sum_us: u64,
    gap_us: MicrosHistogram,
    total_us: MicrosHistogram,
    lateness_us: MicrosHistogram,
}

impl LoadTotals {
    fn new() -> Result<Self, LoadError> {
        Ok(Self {
            started: 0,
            ended: 0,
            connections: 0,
            first_sent_us: None,
            last_ended_us: 0,
            outcomes: BTreeMap::new(),
            examples: BTreeMap::new(),
            tokens: 0,
            ttft_us: new_histogram(HistogramPrecision::Fine)?,
            ttft_sum_us: 0,
            // The same buckets as the workers' histograms, so that adding those is exact.
            gap_us: new_histogram(HistogramPrecision::Coarse)?,
            total_us: new_histogram(HistogramPrecision::Fine)?,
            lateness_us: new_histogram(HistogramPrecision::Fine)?,
        })
    }

    /// Adds a request that has ended.
    fn add(&mut self, record: &RequestRecord) {
        self.ended += 1;
        self.first_sent_us = Some(self.first_sent_us.map_or(record.sent_us, |first| first.min(record.sent_us)));
        self.last_ended_us = self.last_ended_us.max(record.ended_us);
        *self.outcomes.entry(record.outcome).or_default() += 1;
        self.lateness_us.saturating_record(record.sent_us.saturating_sub(record.scheduled_us));
        if record.outcome == RequestOutcome::Succeeded {
            self.tokens += record.tokens;
            self.total_us.saturating_record(record.ended_us.saturating_sub(record.sent_us));
            if let Some(first) = record.first_token_us {
                let ttft_us = first.saturating_sub(record.sent_us);
                self.ttft_us.saturating_record(ttft_us);
                self.ttft_sum_us = self.ttft_sum_us.saturating_add(ttft_us);
            }
        } else if let Some(error) = &record.error {
            self.examples.entry(record.outcome).or_insert_with(|| error.clone());
        }
    }

    /// The report, without the sampler's timer lateness.
    fn report(&self, concurrency: u32) -> LoadReport {
        LoadReport {
            began_ms: self.first_sent_us.unwrap_or(0) / 1000,
            ended_ms: self.last_ended_us / 1000,
            concurrency,
            requests: self.started,
            outcomes: self.outcomes.iter().map(|(o, n)| (o.as_str().to_owned(), *n)).collect(),
            error_examples: self.examples.iter().map(|(o, text)| (o.as_str().to_owned(), text.clone())).collect(),
            tokens: self.tokens,
            ttft_us: compute_quantiles(&self.ttft_us),
            chunk_gap_us: compute_quantiles(&self.gap_us),
            duration_us: compute_quantiles(&self.total_us),
            send_delay_us: compute_quantiles(&self.lateness_us),
            ..LoadReport::default()
        }
    }

    fn failures(&self) -> BTreeMap<String, FailureCount> {
        let failed = |outcome: &RequestOutcome| {
            !matches!(outcome, RequestOutcome::Succeeded | RequestOutcome::CancelledByRampDown)
        };
        let of_kind = |(outcome, count): (&RequestOutcome, &u64)| {
            let example = self.examples.get(outcome).cloned().unwrap_or_default();
            (outcome.as_str().to_owned(), FailureCount { count: *count, example })
        };
        self.outcomes.iter().filter(|(outcome, _)| failed(outcome)).map(of_kind).collect()
    }
}

impl LoadStats {
    pub(super) fn new(load: &LoadSpec) -> Result<Self, LoadError> {
        Ok(Self { concurrency: load.concurrency, totals: Mutex::new(LoadTotals::new()?) })
    }

    /// Counts a new request; returns its number.
    pub(super) fn begin_request(&self) -> u64 {
        let mut totals = self.lock_totals();
        totals.started += 1;
        totals.started - 1
    }

    /// Counts a connection that got a response.
    pub(super) fn count_connection(&self) {
        self.lock_totals().connections += 1;
    }

    /// Counts a request that has ended, with the gaps between its chunks.
    pub(super) fn end_request(&self, record: &RequestRecord, gaps: &MicrosHistogram) {
        let mut totals = self.lock_totals();
        totals.add(record);
        if record.outcome == RequestOutcome::Succeeded {
            // Both have the same buckets, so no value can be out of range.
            let _ = totals.gap_us.add(gaps);
        }
    }

    /// The current counters.
    pub(super) fn snapshot(&self) -> LoadSnapshot {
        let totals = self.lock_totals();
        let count = |outcome| totals.outcomes.get(&outcome).copied().unwrap_or(0);
        let (good, cancelled) = (count(RequestOutcome::Succeeded), count(RequestOutcome::CancelledByRampDown));
        LoadSnapshot {
            in_flight: totals.started - totals.ended,
            answered_connections: totals.connections,
            succeeded: good,
            failed: totals.ended - good - cancelled,
            failures: totals.failures(),
            tokens: totals.tokens,
            ttft_p50_us: totals.ttft_us.value_at_quantile(0.5),
            ttft_sum_us: Some(totals.ttft_sum_us),
        }
    }

    /// The report of the load, without the sampler's timer lateness.
    pub(super) fn report(&self) -> LoadReport {
        self.lock_totals().report(self.concurrency)
    }

    fn lock_totals(&self) -> MutexGuard<'_, LoadTotals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The load as the records of its requests give it.
#[derive(Debug)]
pub(crate) struct RecordedLoad(LoadTotals);

impl RecordedLoad {
    /// No request yet.
    ///
    /// # Errors
    /// A histogram could not be made.
    pub(crate) fn new() -> Result<Self, LoadError> {
        LoadTotals::new().map(Self)
    }

    /// Adds a request.
    pub(crate) fn add(&mut self, record: &RequestRecord) {
        self.0.started += 1;
        self.0.add(record);
        // A record has the largest gap between its chunks alone.
        if record.outcome == RequestOutcome::Succeeded && record.chunks > 1 {
            self.0.gap_us.saturating_record(record.largest_chunk_gap_us);
        }
    }

    /// The report of the load. Of the gaps between chunks the largest is right, and the delay of timers is not known.
    pub(crate) fn report(&self, concurrency: u32) -> LoadReport {
        self.0.report(concurrency)
    }
}
