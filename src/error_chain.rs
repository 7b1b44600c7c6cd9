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

/// Most characters of a YAML error: it may name a key of any length.
const MAX_YAML_ERROR: usize = 400;

/// A type of the library as a user of YAML knows it.
fn describe_scalar(ty: &str) -> String {
    let from = |min: &dyn std::fmt::Display, max: &dyn std::fmt::Display| format!("a whole number from {min} to {max}");
    let range = |max: &dyn std::fmt::Display| from(&0, max);
    match ty {
        "bool" | "boolean" => "true or false".to_owned(),
        "u8" => range(&u8::MAX),
        "u16" => range(&u16::MAX),
        "u32" => range(&u32::MAX),
        "u64" | "usize" => range(&u64::MAX),
        "i8" => from(&i8::MIN, &i8::MAX),
        "i16" => from(&i16::MIN, &i16::MAX),
        "i32" => from(&i32::MIN, &i32::MAX),
        "i64" => from(&i64::MIN, &i64::MAX),
        "f32" | "f64" | "floating point" => "a number".to_owned(),
        other => format!("a valid {other}"),
    }
}

const TOO_MUCH_YAML: &str = "too many values, too deeply nested, or too many aliases; write fewer";

/// What is wrong with a YAML text, without its place: in the words of a user of YAML, not in those of the library.
pub(crate) fn describe_yaml_error(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};
    let text = match error.without_snippet() {
        Error::AliasError { error, .. } => return describe_yaml_error(error),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` is there twice; remove one"),
        Error::DuplicateMappingKey { key: None, .. } => "a key is there twice; remove one".to_owned(),
        Error::MultipleDocuments { .. } => "more than one YAML document; keep one, without `---` lines".to_owned(),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => TOO_MUCH_YAML.to_owned(),
        Error::Unexpected { expected: "mapping start", .. } => "not a map; write `key: value` lines".to_owned(),
        Error::Unexpected { expected: "sequence start", .. } => "not a list; write [a, b]".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => "neither a text nor a number".to_owned(),
        Error::UnknownAnchor { .. } => "an alias without its anchor; write the value itself".to_owned(),
        Error::InvalidScalar { ty, .. } => format!("not {}", describe_scalar(ty)),
        Error::Eof { .. } => "the text ends too early".to_owned(),
        other => UserMessageFormatter.format_message(other).into_owned(),
    };
    // serde's limit of nested values reaches us as a text.
    let text = if text.contains("recursion limit") { TOO_MUCH_YAML.to_owned() } else { text };
    let line = text.lines().next().unwrap_or_default();
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MAX_YAML_ERROR).collect()
}
