//! The sum of the load as it grows. Its lock is taken a few times a request, never for a chunk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::LoadError;
use super::quantiles::{HistogramPrecision, MicrosHistogram, compute_quantiles, new_histogram};
use crate::model::load::{LoadReport, LoadSpec, RequestOutcome, RequestRecord};
use crate::model::observation::{FailureCount, LoadSnapshot};

/// The sum of the load.
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
    gap_us: MicrosHistogram,
    total_us: MicrosHistogram,
    lateness_us: MicrosHistogram,
}

impl LoadTotals {
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
    /// Nothing yet.
    pub(super) fn new(load: &LoadSpec) -> Result<Self, LoadError> {
        let sums = LoadTotals {
            started: 0,
            ended: 0,
            connections: 0,
            first_sent_us: None,
            last_ended_us: 0,
            outcomes: BTreeMap::new(),
            examples: BTreeMap::new(),
            tokens: 0,
            ttft_us: new_histogram(HistogramPrecision::Fine)?,
            // The same buckets as each worker's, so that theirs are added exactly.
            gap_us: new_histogram(HistogramPrecision::Coarse)?,
            total_us: new_histogram(HistogramPrecision::Fine)?,
            lateness_us: new_histogram(HistogramPrecision::Fine)?,
        };
        Ok(Self { concurrency: load.concurrency, totals: Mutex::new(sums) })
    }

    /// A request begins; its number.
    pub(super) fn begin_request(&self) -> u64 {
        let mut sums = self.lock_totals();
        sums.started += 1;
        sums.started - 1
    }

    /// A connection was shown to stand.
    pub(super) fn count_connection(&self) {
        self.lock_totals().connections += 1;
    }

    /// A request has ended, with these gaps between its chunks.
    pub(super) fn end_request(&self, record: &RequestRecord, gaps: &MicrosHistogram) {
        let mut sums = self.lock_totals();
        sums.ended += 1;
        sums.first_sent_us = Some(sums.first_sent_us.map_or(record.sent_us, |began| began.min(record.sent_us)));
        sums.last_ended_us = sums.last_ended_us.max(record.ended_us);
        *sums.outcomes.entry(record.outcome).or_default() += 1;
        sums.lateness_us.saturating_record(record.sent_us.saturating_sub(record.scheduled_us));
        if record.outcome == RequestOutcome::Succeeded {
            sums.tokens += record.tokens;
            sums.total_us.saturating_record(record.ended_us.saturating_sub(record.sent_us));
            if let Some(first) = record.first_token_us {
                sums.ttft_us.saturating_record(first.saturating_sub(record.sent_us));
            }
            // Both have the same buckets, so nothing can be out of range.
            let _ = sums.gap_us.add(gaps);
        } else if let Some(error) = &record.error {
            sums.examples.entry(record.outcome).or_insert_with(|| error.clone());
        }
    }

    /// The counters at this moment.
    pub(super) fn snapshot(&self) -> LoadSnapshot {
        let sums = self.lock_totals();
        let count = |outcome| sums.outcomes.get(&outcome).copied().unwrap_or(0);
        let (good, cancelled) = (count(RequestOutcome::Succeeded), count(RequestOutcome::CancelledByRampDown));
        LoadSnapshot {
            in_flight: sums.started - sums.ended,
            answered_connections: sums.connections,
            succeeded: good,
            failed: sums.ended - good - cancelled,
            failures: sums.failures(),
            tokens: sums.tokens,
            ttft_p50_us: sums.ttft_us.value_at_quantile(0.5),
        }
    }

    /// The whole, without what the metronome knows.
    pub(super) fn report(&self) -> LoadReport {
        let sums = self.lock_totals();
        LoadReport {
            began_ms: sums.first_sent_us.unwrap_or(0) / 1000,
            ended_ms: sums.last_ended_us / 1000,
            concurrency: self.concurrency,
            requests: sums.started,
            outcomes: sums.outcomes.iter().map(|(o, n)| (o.as_str().to_owned(), *n)).collect(),
            error_examples: sums.examples.iter().map(|(o, text)| (o.as_str().to_owned(), text.clone())).collect(),
            tokens: sums.tokens,
            ttft_us: compute_quantiles(&sums.ttft_us),
            chunk_gap_us: compute_quantiles(&sums.gap_us),
            duration_us: compute_quantiles(&sums.total_us),
            send_delay_us: compute_quantiles(&sums.lateness_us),
            ..LoadReport::default()
        }
    }

    fn lock_totals(&self) -> MutexGuard<'_, LoadTotals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
