//! Error chains: an error and its sources.

use std::error::Error;

/// The error and its sources, outermost first.
pub(crate) fn error_sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (**error).source())
}

/// The messages of the error and its sources, joined by colons. The outermost message alone ("error sending request",
/// "client error (Connect)") does not name the cause. A source whose message an outer one already contains is skipped.
pub(crate) fn format_chain(error: &(dyn Error + 'static)) -> String {
    error_sources(error).fold(String::new(), |text, source| match source.to_string() {
        message if text.is_empty() => message,
        message if text.contains(&message) => text,
        message => format!("{text}: {message}"),
    })
}
