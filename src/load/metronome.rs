//! The load's own pulse: ten times a second it measures how late its timer ran, and once a second it notes the counters
//! in the timeline. Ten a second, because a 99th percentile needs some hundred values before a short load has ended.

use std::sync::Arc;
use std::time::Duration;

use super::LoadError;
use super::quantiles::{Histogram, Precision, histogram};
use super::tally::Tally;
use crate::clock::Clock;
use crate::record::observation::Seen;
use crate::stop::Stop;
use crate::world::Book;

const BEAT_US: u64 = 100_000;
const NOTE_US: u64 = 1_000_000;

/// The pulse of a load.
pub(super) struct Metronome {
    clock: Clock,
    book: Arc<Book>,
    tally: Arc<Tally>,
    late: Histogram,
}

impl Metronome {
    pub(super) fn new(clock: Clock, book: Arc<Book>, tally: Arc<Tally>) -> Result<Self, LoadError> {
        Ok(Self { clock, book, tally, late: histogram(Precision::Fine)? })
    }

    /// Beats until the load is stopped; how late each beat was, in microseconds.
    pub(super) async fn run(mut self, stop: Stop) -> Histogram {
        let mut due_us = self.clock.now_us();
        let mut note_us = due_us.saturating_add(NOTE_US);
        loop {
            // A beat that was missed is not skipped but late: a stall of five seconds is fifty late beats, not one.
            due_us = due_us.saturating_add(BEAT_US);
            let left = Duration::from_micros(due_us.saturating_sub(self.clock.now_us()));
            tokio::select! {
                biased;
                () = stop.pressed() => return self.late,
                () = tokio::time::sleep(left) => {}
            }
            let now_us = self.clock.now_us();
            self.late.saturating_record(now_us.saturating_sub(due_us));
            if now_us >= note_us {
                self.book.note(Seen::Load(self.tally.seen()), None);
                // Whole seconds from the start, as many of them as have passed unnoted.
                note_us += NOTE_US * (1 + (now_us - note_us) / NOTE_US);
            }
        }
    }
}
