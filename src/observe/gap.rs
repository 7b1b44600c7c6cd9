//! Times in which a source could not be read. A gap is recorded when it ends, because only then its length is known.
//! Callers pass the time; nothing here reads a clock.

use crate::model::observation::RecordedGap;

/// Tracks whether one source is readable.
#[derive(Debug)]
pub(super) struct GapTracker {
    source: &'static str,
    last_ok_ms: u64,
    open: Option<OpenGap>,
}

#[derive(Debug)]
struct OpenGap {
    from_ms: u64,
    first: String,
    latest: Option<String>,
}

impl GapTracker {
    /// A source that has not been read yet: a failure before the first success is a gap from `now_ms`.
    pub(super) fn new(source: &'static str, now_ms: u64) -> Self {
        Self { source, last_ok_ms: now_ms, open: None }
    }

    /// The source was read.
    pub(super) fn mark_ok(&mut self, now_ms: u64) {
        self.last_ok_ms = now_ms;
    }

    /// When the source was last read, in milliseconds of the run's clock.
    pub(super) fn last_ok_ms(&self) -> u64 {
        self.last_ok_ms
    }

    /// The source cannot be read: a gap opens at the time of the last success. Of several reasons the first and the
    /// latest are kept.
    pub(super) fn mark_failed(&mut self, reason: &str) {
        match &mut self.open {
            None => self.open = Some(OpenGap { from_ms: self.last_ok_ms, first: reason.to_owned(), latest: None }),
            Some(open) if open.first == reason => open.latest = None,
            Some(open) => open.latest = Some(reason.to_owned()),
        }
    }

    /// The source is readable again: closes and returns the open gap. Does nothing if no gap is open.
    pub(super) fn close(&mut self, now_ms: u64) -> Option<RecordedGap> {
        let ended = self.current()?;
        self.open = None;
        self.last_ok_ms = now_ms;
        Some(ended)
    }

    /// The open gap, as if it ended now.
    pub(super) fn current(&self) -> Option<RecordedGap> {
        let open = self.open.as_ref()?;
        let reason = match &open.latest {
            None => open.first.clone(),
            Some(latest) => format!("{}; last error: {latest}", open.first),
        };
        Some(RecordedGap { source: self.source.to_owned(), from_ms: open.from_ms, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap_of(from_ms: u64, reason: &str) -> Option<RecordedGap> {
        Some(RecordedGap { source: "pods".into(), from_ms, reason: reason.into() })
    }

    #[test]
    fn a_gap_lasts_from_the_last_success_to_the_next() {
        let mut gap = GapTracker::new("pods", 5);
        assert_eq!(gap.close(10), None);
        gap.mark_ok(20);
        gap.mark_failed("ended");
        gap.mark_failed("ended");
        assert_eq!(gap.close(90), gap_of(20, "ended"));
        assert_eq!(gap.close(91), None);
        gap.mark_failed("410");
        assert_eq!(gap.current(), gap_of(90, "410"), "a gap starts at the time at which the last one ended");
    }

    #[test]
    fn a_source_that_was_never_read_is_a_gap_from_the_start() {
        let mut gap = GapTracker::new("pods", 5);
        gap.mark_failed("refused");
        gap.mark_failed("timed out");
        gap.mark_failed("forbidden");
        assert_eq!(gap.current(), gap_of(5, "refused; last error: forbidden"));
    }
}
