//! Name and labels of a sample in the Prometheus text exposition format (prometheus: model/textparse/promlex.l).

use std::collections::BTreeMap;

/// The content of a sample's braces.
#[derive(Debug, Default)]
pub(super) struct MetricLabels {
    pub(super) labels: BTreeMap<String, String>,
    /// The metric's name, where it is quoted and thus inside of the braces.
    pub(super) metric_name: Option<String>,
}

/// The text without the spaces and tabs at its start. A line break separates lines.
pub(super) fn trim_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// The name at the start of a text, empty if there is none, and the rest. Only the name of a metric may have a colon.
pub(super) fn split_name(text: &str, is_metric: bool) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || (is_metric && c == ':');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text.split_at(if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { end })
}

/// Parses labels up to the closing brace; returns the rest.
pub(super) fn parse_labels(text: &str) -> Result<(MetricLabels, &str), String> {
    let mut all = MetricLabels::default();
    let mut rest = trim_blanks(text);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((all, after));
        }
        let (name, after) = match rest.strip_prefix('"').map(parse_quoted).transpose()? {
            Some((name, after)) if trim_blanks(after).starts_with([',', '}']) => {
                if all.metric_name.replace(name).is_some() {
                    return Err("the metric has two names".to_owned());
                }
                rest = skip_comma(after);
                continue;
            }
            Some(quoted) => quoted,
            None => {
                let (name, after) = split_name(rest, false);
                (name.to_owned(), after)
            }
        };
        if name.is_empty() {
            return Err("expected a label name".to_owned());
        }
        let after = trim_blanks(after).strip_prefix('=').ok_or("a label has no `=`")?;
        let after = trim_blanks(after).strip_prefix('"').ok_or("a label's value is not quoted")?;
        let (value, after) = parse_quoted(after)?;
        if all.labels.contains_key(&name) {
            return Err(format!("the label `{name}` occurs twice"));
        }
        all.labels.insert(name, value);
        rest = skip_comma(after);
    }
}

/// What follows a label, without the comma that Prometheus takes but does not need.
fn skip_comma(text: &str) -> &str {
    let text = trim_blanks(text);
    trim_blanks(text.strip_prefix(',').unwrap_or(text))
}

/// Parses a quoted text up to its closing quote; returns the rest.
pub(super) fn parse_quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                // Prometheus keeps an unknown escape unchanged.
                Some((_, c)) => value.extend(['\\', c]),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err("a label's value is not closed".to_owned())
}
