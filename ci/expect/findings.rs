//! What a comparison found.

/// What is not as expected, and what to print of a run that is.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) differences: Vec<String>,
    pub(crate) notes: Vec<String>,
}

impl Findings {
    /// Adds a difference unless the condition holds.
    pub(crate) fn expect(&mut self, holds: bool, difference: impl FnOnce() -> String) {
        if !holds {
            self.differences.push(difference());
        }
    }

    /// One line for each.
    pub(crate) fn text(&self) -> String {
        self.notes.iter().chain(&self.differences).map(|line| format!("  {line}\n")).collect()
    }
}
