//! Stretches of time in which a source could not be read. A gap is told when it ends, since only then is its length
//! known. Times are given; nothing here reads a clock.

use crate::model::observation::RecordedGap;

/// Whether one source is readable.
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
    /// A source that has not been read yet; what is missing from `now_ms` on is a gap.
    pub(super) fn new(source: &'static str, now_ms: u64) -> Self {
        Self { source, last_ok_ms: now_ms, open: None }
    }

    /// The source showed a sign of life.
    pub(super) fn mark_ok(&mut self, now_ms: u64) {
        self.last_ok_ms = now_ms;
    }

    /// The last sign of life.
    pub(super) fn last_ok_ms(&self) -> u64 {
        self.last_ok_ms
    }

    /// The source cannot be read, and was last known good at its last sign of life. Of several reasons the first and the
    /// latest are kept.
    pub(super) fn mark_failed(&mut self, why: &str) {
        match &mut self.open {
            None => self.open = Some(OpenGap { from_ms: self.last_ok_ms, first: why.to_owned(), latest: None }),
            Some(open) if open.first == why => open.latest = None,
            Some(open) => open.latest = Some(why.to_owned()),
        }
    }

    /// The source is readable again: the gap that this ends, if there was one. Without one this is no sign of life.
    pub(super) fn close(&mut self, now_ms: u64) -> Option<RecordedGap> {
        let ended = self.current()?;
        self.open = None;
        self.last_ok_ms = now_ms;
        Some(ended)
    }

    /// The gap that is open, as if it ended now.
    pub(super) fn current(&self) -> Option<RecordedGap> {
        let open = self.open.as_ref()?;
        let why = match &open.latest {
            None => open.first.clone(),
            Some(latest) => format!("{}; later: {latest}", open.first),
        };
        Some(RecordedGap { source: self.source.to_owned(), from_ms: open.from_ms, reason: why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(from_ms: u64, why: &str) -> Option<RecordedGap> {
        Some(RecordedGap { source: "pods".into(), from_ms, reason: why.into() })
    }

    #[test]
    fn a_gap_reaches_from_the_last_sign_of_life_to_the_next() {
        let mut gap = GapTracker::new("pods", 5);
        assert_eq!(gap.close(10), None);
        gap.mark_ok(20);
        gap.mark_failed("ended");
        gap.mark_failed("ended");
        assert_eq!(gap.close(90), seen(20, "ended"));
        assert_eq!(gap.close(91), None);
        gap.mark_failed("410");
        assert_eq!(gap.current(), seen(90, "410"), "a source is known good from its mending on");
    }

    #[test]
    fn a_source_that_never_answered_is_a_gap_from_the_start() {
        let mut gap = GapTracker::new("pods", 5);
        gap.mark_failed("refused");
        gap.mark_failed("timed out");
        gap.mark_failed("forbidden");
        assert_eq!(gap.current(), seen(5, "refused; later: forbidden"));
    }
}
