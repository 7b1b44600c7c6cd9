//! Interprets responses with a status other than 200, as all protocols do.

use serde_json::Value;

use crate::env::sanitize_text;
use crate::model::load::RequestOutcome;

/// Characters of an error that are kept: enough for a server's message, few enough for a table.
pub(crate) const MAX_ERROR_CHARS: usize = 200;

/// The outcome of a request with this status; `None` for 200, where the stream decides.
#[must_use]
pub(crate) fn status_outcome(status: u16) -> Option<RequestOutcome> {
    match status {
        200 => None,
        503 => Some(RequestOutcome::Http503),
        400..=499 => Some(RequestOutcome::Http4xx),
        500..=599 => Some(RequestOutcome::Http5xx),
        _ => Some(RequestOutcome::HttpOther),
    }
}

/// The error message in a body: that of `{"error": "..."}` or `{"error": {"message": "..."}}`, else the body itself (such as
/// a proxy's HTML page).
#[must_use]
pub(crate) fn error_body_text(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body).ok().and_then(|value| value.get("error").map(error_field_text)) {
        Some(text) => text,
        None => sanitize_text(&String::from_utf8_lossy(body), MAX_ERROR_CHARS),
    }
}

/// The error message of an `error` field of any type.
pub(super) fn error_field_text(error: &Value) -> String {
    let text = match error.get("message").unwrap_or(error) {
        Value::String(text) => sanitize_text(text, MAX_ERROR_CHARS),
        _ => sanitize_text(&error.to_string(), MAX_ERROR_CHARS),
    };
    if text.is_empty() { "empty error message".to_owned() } else { text }
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
            (r#"{"error":""}"#, "empty error message"),
            ("<html>\r\n\t<h1>502</h1>\u{1b}[31m\0</html>", "<html> <h1>502</h1> [31m </html>"),
            ("", ""),
            ("{\"message\":\"x\"}", "{\"message\":\"x\"}"),
        ];
        for (body, text) in cases {
            assert_eq!(error_body_text(body.as_bytes()), text);
        }
        assert_eq!(error_body_text(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
