//! Stretches of time in which a source could not be read. A gap is told when it ends, since only then is its length
//! known. Times are given; nothing here reads a clock.

use crate::record::observation::GapSeen;

/// Whether one source is readable.
#[derive(Debug)]
pub(super) struct Gap {
    source: &'static str,
    good_ms: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    from_ms: u64,
    first: String,
    latest: Option<String>,
}

impl Gap {
    /// A source that has not been read yet; what is missing from `now_ms` on is a gap.
    pub(super) fn new(source: &'static str, now_ms: u64) -> Self {
        Self { source, good_ms: now_ms, open: None }
    }

    /// The source showed a sign of life.
    pub(super) fn alive(&mut self, now_ms: u64) {
        self.good_ms = now_ms;
    }

    /// The last sign of life.
    pub(super) fn good_ms(&self) -> u64 {
        self.good_ms
    }

    /// The source cannot be read, and was last known good at its last sign of life. Of several reasons the first and the
    /// latest are kept.
    pub(super) fn broke(&mut self, why: &str) {
        match &mut self.open {
            None => self.open = Some(Open { from_ms: self.good_ms, first: why.to_owned(), latest: None }),
            Some(open) if open.first == why => open.latest = None,
            Some(open) => open.latest = Some(why.to_owned()),
        }
    }

    /// The source is readable again: the gap that this ends, if there was one. Without one this is no sign of life.
    pub(super) fn mended(&mut self, now_ms: u64) -> Option<GapSeen> {
        let ended = self.so_far()?;
        self.open = None;
        self.good_ms = now_ms;
        Some(ended)
    }

    /// The gap that is open, as if it ended now.
    pub(super) fn so_far(&self) -> Option<GapSeen> {
        let open = self.open.as_ref()?;
        let why = match &open.latest {
            None => open.first.clone(),
            Some(latest) => format!("{}; later: {latest}", open.first),
        };
        Some(GapSeen { source: self.source.to_owned(), from_ms: open.from_ms, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(from_ms: u64, why: &str) -> Option<GapSeen> {
        Some(GapSeen { source: "pods".into(), from_ms, why: why.into() })
    }

    #[test]
    fn a_gap_reaches_from_the_last_sign_of_life_to_the_next() {
        let mut gap = Gap::new("pods", 5);
        assert_eq!(gap.mended(10), None);
        gap.alive(20);
        gap.broke("ended");
        gap.broke("ended");
        assert_eq!(gap.mended(90), seen(20, "ended"));
        assert_eq!(gap.mended(91), None);
        gap.broke("410");
        assert_eq!(gap.so_far(), seen(90, "410"), "a source is known good from its mending on");
    }

    #[test]
    fn a_source_that_never_answered_is_a_gap_from_the_start() {
        let mut gap = Gap::new("pods", 5);
        gap.broke("refused");
        gap.broke("timed out");
        gap.broke("forbidden");
        assert_eq!(gap.so_far(), seen(5, "refused; later: forbidden"));
    }
}
