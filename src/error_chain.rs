//! An error with what lies behind it.

use std::error::Error;

/// The error and its causes, outermost first.
pub fn error_sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (**error).source())
}

/// The words of an error and its causes: the outermost alone ("error sending request", "client error (Connect)") does not
/// tell what happened. What an error says of its cause already is not said twice.
pub fn format_chain(error: &(dyn Error + 'static)) -> String {
    error_sources(error).fold(String::new(), |text, cause| match cause.to_string() {
        more if text.is_empty() => more,
        more if text.contains(&more) => text,
        more => format!("{text}: {more}"),
    })
}
