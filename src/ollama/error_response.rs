//! What an answer other than 200 means, and how foreign text is made fit for evidence.

use serde_json::Value;

use crate::model::load::RequestOutcome;

/// Characters of foreign text that are kept: enough for Ollama's longest message, little enough for a table.
const MAX_CHARS: usize = 200;

/// What a status other than 200 makes of a request; `None` for 200, where the stream decides (ollama:
/// server/routes.go, handleScheduleError).
#[must_use]
pub fn status_outcome(status: u16) -> Option<RequestOutcome> {
    match status {
        200 => None,
        503 => Some(RequestOutcome::Http503),
        400..=499 => Some(RequestOutcome::Http4xx),
        500..=599 => Some(RequestOutcome::Http5xx),
        _ => Some(RequestOutcome::HttpOther),
    }
}

/// The words of a refusal's body: Ollama's `{"error": "..."}`, or whatever else stands there (a proxy's HTML page).
#[must_use]
pub fn error_body_text(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body).ok().and_then(|value| value.get("error").map(error_field_text)) {
        Some(text) => text,
        None => sanitize_text(&String::from_utf8_lossy(body)),
    }
}

/// The words of an `error` field, whatever its type.
pub(super) fn error_field_text(error: &Value) -> String {
    let text = match error {
        Value::String(text) => sanitize_text(text),
        Value::Object(fields) => match fields.get("message") {
            Some(Value::String(text)) => sanitize_text(text),
            _ => sanitize_text(&error.to_string()),
        },
        other => sanitize_text(&other.to_string()),
    };
    if text.is_empty() { "an error without words".to_owned() } else { text }
}

/// Foreign text for evidence: its first 200 characters, with white space and control characters (terminal escapes, bytes
/// that no XML file may hold) as single spaces.
#[must_use]
pub fn sanitize_text(text: &str) -> String {
    // Cut before cleaning, so that the work is bounded too; four times, because runs of blanks collapse.
    let start: String = text.chars().take(4 * MAX_CHARS).map(|c| if is_printable(c) { c } else { ' ' }).collect();
    let clean = start.split_whitespace().collect::<Vec<_>>().join(" ");
    match clean.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &clean[..end]),
        None => clean,
    }
}

/// Not a control character, not a direction override, not one of the two code points that XML excludes.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_but_200_is_an_error() {
        let cases = [
            (200, None),
            (201, Some(RequestOutcome::HttpOther)),
            (204, Some(RequestOutcome::HttpOther)),
            (301, Some(RequestOutcome::HttpOther)),
            (400, Some(RequestOutcome::Http4xx)),
            (404, Some(RequestOutcome::Http4xx)),
            (499, Some(RequestOutcome::Http4xx)),
            (500, Some(RequestOutcome::Http5xx)),
            (502, Some(RequestOutcome::Http5xx)),
            (503, Some(RequestOutcome::Http503)),
            (504, Some(RequestOutcome::Http5xx)),
        ];
        for (status, outcome) in cases {
            assert_eq!(status_outcome(status), outcome, "{status}");
        }
    }

    #[test]
    fn an_error_response_is_quoted_in_the_servers_words() {
        let cases = [
            (r#"{"error":"model 'm' not found"}"#, "model 'm' not found"),
            (r#"{"error":{"message":"busy","code":1}}"#, "busy"),
            (r#"{"error":""}"#, "an error without words"),
            ("<html>\r\n\t<h1>502</h1>\u{1b}[31m\0</html>", "<html> <h1>502</h1> [31m </html>"),
            ("", ""),
            ("{\"message\":\"x\"}", "{\"message\":\"x\"}"),
        ];
        for (body, text) in cases {
            assert_eq!(error_body_text(body.as_bytes()), text);
        }
        assert_eq!(error_body_text(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn foreign_text_is_cut_at_a_character() {
        let cut = sanitize_text(&"ä".repeat(10_000));
        assert_eq!(cut, format!("{}...", "ä".repeat(200)));
        assert_eq!(sanitize_text(&"x".repeat(200)), "x".repeat(200));
    }
}
