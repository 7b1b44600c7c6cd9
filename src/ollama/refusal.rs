//! What an answer other than 200 means, and how foreign text is made fit for evidence.

use serde_json::Value;

use crate::record::load::Outcome;

/// Characters of foreign text that are kept: enough for Ollama's longest message, little enough for a table.
const CLIP: usize = 200;

/// What a status other than 200 makes of a request; `None` for 200, where the stream decides (ollama:
/// server/routes.go, handleScheduleError).
#[must_use]
pub fn refusal(status: u16) -> Option<Outcome> {
    match status {
        200 => None,
        503 => Some(Outcome::Http503),
        400..=499 => Some(Outcome::Http4xx),
        500..=599 => Some(Outcome::Http5xx),
        _ => Some(Outcome::HttpOther),
    }
}

/// The words of a refusal's body: Ollama's `{"error": "..."}`, or whatever else stands there (a proxy's HTML page).
#[must_use]
pub fn refusal_text(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body).ok().and_then(|value| value.get("error").map(error_text)) {
        Some(text) => text,
        None => clipped(&String::from_utf8_lossy(body)),
    }
}

/// The words of an `error` field, whatever its type.
pub(super) fn error_text(error: &Value) -> String {
    let text = match error {
        Value::String(text) => clipped(text),
        Value::Object(fields) => match fields.get("message") {
            Some(Value::String(text)) => clipped(text),
            _ => clipped(&error.to_string()),
        },
        other => clipped(&other.to_string()),
    };
    if text.is_empty() { "an error without words".to_owned() } else { text }
}

/// Foreign text for evidence: its first 200 characters, with white space and control characters (terminal escapes, bytes
/// that no XML file may hold) as single spaces.
#[must_use]
pub fn clipped(text: &str) -> String {
    // Cut before cleaning, so that the work is bounded too; four times, because runs of blanks collapse.
    let start: String = text.chars().take(4 * CLIP).map(|c| if fit(c) { c } else { ' ' }).collect();
    let clean = start.split_whitespace().collect::<Vec<_>>().join(" ");
    match clean.char_indices().nth(CLIP) {
        Some((end, _)) => format!("{}...", &clean[..end]),
        None => clean,
    }
}

/// Not a control character, not a direction override, not one of the two code points that XML excludes.
fn fit(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_but_200_is_a_refusal() {
        let cases = [
            (200, None),
            (201, Some(Outcome::HttpOther)),
            (204, Some(Outcome::HttpOther)),
            (301, Some(Outcome::HttpOther)),
            (400, Some(Outcome::Http4xx)),
            (404, Some(Outcome::Http4xx)),
            (499, Some(Outcome::Http4xx)),
            (500, Some(Outcome::Http5xx)),
            (502, Some(Outcome::Http5xx)),
            (503, Some(Outcome::Http503)),
            (504, Some(Outcome::Http5xx)),
        ];
        for (status, outcome) in cases {
            assert_eq!(refusal(status), outcome, "{status}");
        }
    }

    #[test]
    fn a_refusal_speaks_in_the_servers_words() {
        let cases = [
            (r#"{"error":"model 'm' not found"}"#, "model 'm' not found"),
            (r#"{"error":{"message":"busy","code":1}}"#, "busy"),
            (r#"{"error":""}"#, "an error without words"),
            ("<html>\r\n\t<h1>502</h1>\u{1b}[31m\0</html>", "<html> <h1>502</h1> [31m </html>"),
            ("", ""),
            ("{\"message\":\"x\"}", "{\"message\":\"x\"}"),
        ];
        for (body, text) in cases {
            assert_eq!(refusal_text(body.as_bytes()), text);
        }
        assert_eq!(refusal_text(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn foreign_text_is_cut_at_a_character() {
        let cut = clipped(&"ä".repeat(10_000));
        assert_eq!(cut, format!("{}...", "ä".repeat(200)));
        assert_eq!(clipped(&"x".repeat(200)), "x".repeat(200));
    }
}
