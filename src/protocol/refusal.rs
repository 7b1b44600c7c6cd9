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

/// Words of servers whose model does not fit: Ollama's (llm/server.go, which also says "resource limitations"), those of CUDA, ROCm
/// and vLLM, and of a runner that the kernel killed.
const LACK_OF_MEMORY: [&str; 5] =
    ["out of memory", "more system memory", "outofmemory", "resource limitations", "signal: killed"];

/// Whether a server's error says that it lacks memory or resources.
#[must_use]
pub(crate) fn names_lack_of_memory(error: &str) -> bool {
    let error = error.to_lowercase();
    LACK_OF_MEMORY.iter().any(|words| error.contains(words))
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
    fn a_lack_of_memory_is_known_by_the_servers_words() {
        for error in [
            "HTTP 500: model requires more system memory (2.7 GiB) than is available (2.3 GiB)",
            "HTTP 500: llama runner process has terminated: cudaMalloc failed: out of memory",
            "HTTP 500: model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, \
             check ollama server logs for details",
            "HTTP 500: llama runner process has terminated: signal: killed",
            "HTTP 500: CUDA out of memory. Tried to allocate 2.00 GiB",
            "torch.OutOfMemoryError",
        ] {
            assert!(names_lack_of_memory(error), "{error}");
        }
        for error in ["HTTP 500: CUDA error: no CUDA-capable device is detected", "HTTP 502: <html>", "reset", ""] {
            assert!(!names_lack_of_memory(error), "{error}");
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
