//! The sum of the load as it grows. Its lock is taken a few times a request, never for a chunk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::LoadError;
use super::quantiles::{Histogram, Precision, histogram, of};
use crate::record::load::{Load, LoadReport, Outcome, RequestRecord};
use crate::record::observation::{FailuresSeen, LoadSeen};

/// The sum of the load.
#[derive(Debug)]
pub(super) struct Tally {
    concurrency: u32,
    sums: Mutex<Sums>,
}

#[derive(Debug)]
struct Sums {
    begun: u64,
    ended: u64,
    connections: u64,
    began_us: Option<u64>,
    ended_us: u64,
    outcomes: BTreeMap<Outcome, u64>,
    examples: BTreeMap<Outcome, String>,
    tokens: u64,
    ttft_us: Histogram,
    gap_us: Histogram,
    total_us: Histogram,
    lateness_us: Histogram,
}

impl Sums {
    fn failures(&self) -> BTreeMap<String, FailuresSeen> {
        let failed = |outcome: &Outcome| !matches!(outcome, Outcome::Good | Outcome::CancelledByRampDown);
        let of_kind = |(outcome, count): (&Outcome, &u64)| {
            let example = self.examples.get(outcome).cloned().unwrap_or_default();
            (outcome.name().to_owned(), FailuresSeen { count: *count, example })
        };
        self.outcomes.iter().filter(|(outcome, _)| failed(outcome)).map(of_kind).collect()
    }
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(load: &Load) -> Result<Self, LoadError> {
        let sums = Sums {
            begun: 0,
            ended: 0,
            connections: 0,
            began_us: None,
            ended_us: 0,
            outcomes: BTreeMap::new(),
            examples: BTreeMap::new(),
            tokens: 0,
            ttft_us: histogram(Precision::Fine)?,
            // The same buckets as each worker's, so that theirs are added exactly.
            gap_us: histogram(Precision::Coarse)?,
            total_us: histogram(Precision::Fine)?,
            lateness_us: histogram(Precision::Fine)?,
        };
        Ok(Self { concurrency: load.concurrency, sums: Mutex::new(sums) })
    }

    /// A request begins; its number.
    pub(super) fn begin(&self) -> u64 {
        let mut sums = self.sums();
        sums.begun += 1;
        sums.begun - 1
    }

    /// A connection was shown to stand.
    pub(super) fn connected(&self) {
        self.sums().connections += 1;
    }

    /// A request has ended, with these gaps between its chunks.
    pub(super) fn end(&self, record: &RequestRecord, gaps: &Histogram) {
        let mut sums = self.sums();
        sums.ended += 1;
        sums.began_us = Some(sums.began_us.map_or(record.sent_us, |began| began.min(record.sent_us)));
        sums.ended_us = sums.ended_us.max(record.ended_us);
        *sums.outcomes.entry(record.outcome).or_default() += 1;
        sums.lateness_us.saturating_record(record.sent_us.saturating_sub(record.due_us));
        if record.outcome == Outcome::Good {
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
    pub(super) fn seen(&self) -> LoadSeen {
        let sums = self.sums();
        let count = |outcome| sums.outcomes.get(&outcome).copied().unwrap_or(0);
        let (good, cancelled) = (count(Outcome::Good), count(Outcome::CancelledByRampDown));
        LoadSeen {
            in_flight: sums.begun - sums.ended,
            connections: sums.connections,
            good,
            failed: sums.ended - good - cancelled,
            failures: sums.failures(),
            tokens: sums.tokens,
            ttft_p50_us: sums.ttft_us.value_at_quantile(0.5),
        }
    }

    /// The whole, without what the metronome knows.
    pub(super) fn report(&self) -> LoadReport {
        let sums = self.sums();
        LoadReport {
            began_ms: sums.began_us.unwrap_or(0) / 1000,
            ended_ms: sums.ended_us / 1000,
            concurrency: self.concurrency,
            requests: sums.begun,
            outcomes: sums.outcomes.iter().map(|(o, n)| (o.name().to_owned(), *n)).collect(),
            examples: sums.examples.iter().map(|(o, text)| (o.name().to_owned(), text.clone())).collect(),
            tokens: sums.tokens,
            ttft_us: of(&sums.ttft_us),
            gap_us: of(&sums.gap_us),
            total_us: of(&sums.total_us),
            lateness_us: of(&sums.lateness_us),
            ..LoadReport::default()
        }
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
