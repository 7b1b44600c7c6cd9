//! One line of a chat response (ollama: api/types.go, ChatResponse). Durations are in nanoseconds.
//!
//! Other servers than Ollama give this response too, with numbers and types of their own. A line is refused only for what
//! the rule of success needs: an object with `message`, `done` or `error`.

use serde_json::Value;

use super::super::json_fields::{JsonFields, is_non_empty};
use super::super::refusal::error_field_text;
use super::super::stream::{LineError, StatedTotals, StreamMessage};
use super::remote_model::remote_model;
use crate::model::load::MAX_REQUEST_TOKENS;

/// Parses one line: every line is an object, and each without an error is a chunk.
pub(super) fn parse_line(line: &[u8]) -> Result<StreamMessage, LineError> {
    if line.first() != Some(&b'{') {
        return Err(invalid("not a JSON object".to_owned()));
    }
    let chunk = JsonFields::parse(line).map_err(LineError::from_json)?;
    if let Some(error) = chunk.raw("error") {
        // A text from Ollama, an object from some gateways.
        let error = serde_json::from_str(error).unwrap_or_else(|_| Value::String(error.to_owned()));
        return Err(LineError::Reported(error_field_text(&error)));
    }
    let done = chunk.raw("done");
    // True in the last object of the response.
    let is_end = match done {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("`done` is neither true nor false".to_owned())),
    };
    let message = chunk.raw("message");
    if message.is_none() && done.is_none() {
        return Err(invalid("an object without message, done or error".to_owned()));
    }
    let totals = is_end.then(|| StatedTotals {
        // Left out when it is 0.
        tokens: Some(chunk.count("eval_count").filter(|tokens| *tokens <= MAX_REQUEST_TOKENS).unwrap_or(0)),
        // From the start of the handler to the end of the response.
        total_ns: chunk.count("total_duration"),
        // From the start of the handler until the model was scheduled: includes waiting, not only loading.
        load_ns: chunk.count("load_duration"),
        // Why generation ended: `stop`, `length`, `load`.
        end_reason: chunk.text("done_reason"),
    });
    let has_content = message.map(has_content).transpose()?.unwrap_or(false);
    let remote_model = remote_model(&chunk);
    Ok(StreamMessage { is_chunk: true, has_content, totals: totals.unwrap_or_default(), is_end, remote_model })
}

/// Whether a message has generated text, which may be a reasoning (`thinking`) or the call of a tool.
fn has_content(message: &str) -> Result<bool, LineError> {
    let fields =
        Some(message).filter(|text| text.starts_with('{')).and_then(|text| JsonFields::parse(text.as_bytes()).ok());
    let message = fields.ok_or_else(|| invalid("`message` is not an object".to_owned()))?;
    Ok(["content", "thinking", "tool_calls"].iter().any(|field| message.raw(field).is_some_and(is_non_empty)))
}

fn invalid(reason: String) -> LineError {
    LineError::Invalid { reason, is_truncated: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> StreamMessage {
        parse_line(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error:?}"))
    }

    fn totals(fields: &str) -> (u64, Option<u64>, Option<u64>, Option<String>) {
        let totals = parse(&format!("{{\"done\":true,{fields}}}")).totals;
        (totals.tokens.unwrap(), totals.total_ns, totals.load_ns, totals.end_reason)
    }

    #[test]
    fn a_number_of_another_kind_is_read_or_unknown_and_refuses_no_chat() {
        let cases = [
            (r#""eval_count":12.0,"total_duration":2.5e9,"load_duration":0.0"#, (12, Some(2_500_000_000), Some(0))),
            (r#""eval_count":12,"total_duration":-7,"load_duration":-1500000"#, (12, None, None)),
            (r#""eval_count":"12","total_duration":"2.5s","load_duration":[1]"#, (0, None, None)),
            (r#""eval_count":null,"total_duration":1e999,"load_duration":true"#, (0, None, None)),
            (r#""eval_count":18446744073709551615,"total_duration":9223372036854775807"#, (0, None, None)),
            (r#""eval_count":-1,"total_duration":99999999999999999999,"load_duration":3"#, (0, None, Some(3))),
        ];
        for (fields, expected) in cases {
            let (tokens, total, load, _) = totals(fields);
            assert_eq!((tokens, total, load), expected, "{fields}");
        }
    }

    #[test]
    fn a_field_that_is_not_needed_may_have_any_value() {
        assert_eq!(totals(r#""done_reason":7,"eval_count":3"#).3, None);
        assert_eq!(totals(r#""done_reason":"stop","created_at":1e999,"model":["m"],"done":true"#).3.unwrap(), "stop");
        for (message, has_content) in [
            (r#"{"role":7,"content":null}"#, false),
            (r#"{"content":"","images":{"a":[]}}"#, false),
            (r#"{"content":[]}"#, false),
            (r#"{"content":[{"type":"text","text":"Hi"}]}"#, true),
            (r#"{"content":"\ud83d"}"#, true),
            (r#"{"content":"","thinking":"hm"}"#, true),
            (r#"{"tool_calls":[{"id":"1"}]}"#, true),
            (r#"{"content":7}"#, false),
        ] {
            assert_eq!(parse(&format!("{{\"message\":{message}}}")).has_content, has_content, "{message}");
        }
    }

    #[test]
    fn what_is_refused_is_named_by_its_field() {
        for (line, reason) in [
            (r#"{"done":"yes"}"#, "`done` is neither true nor false"),
            (r#"{"message":"Hi","done":false}"#, "`message` is not an object"),
            (r#"{"status":"pulling"}"#, "an object without message, done or error"),
            ("[]", "not a JSON object"),
        ] {
            assert_eq!(parse_line(line.as_bytes()), Err(invalid(reason.to_owned())), "{line}");
        }
        assert_eq!(parse_line(br#"{"error":"\ud83d"}"#), Err(LineError::Reported(r#""\ud83d""#.to_owned())));
    }

    #[test]
    fn a_model_of_a_remote_host_is_named_in_each_chunk() {
        let remote = |line: &str| parse(line).remote_model;
        assert_eq!(
            remote(r#"{"remote_model":"m:120b","remote_host":"https://remote.example:443","done":false}"#).unwrap(),
            "m:120b at https://remote.example:443"
        );
        assert_eq!(
            remote(r#"{"remote_host":"https://remote.example","done":false}"#).unwrap(),
            "https://remote.example"
        );
        assert_eq!(remote(r#"{"remote_model":"m","done":false}"#).unwrap(), "m");
        assert_eq!(remote(r#"{"remote_model":"","remote_host":null,"done":false}"#), None);
    }
}
