use super::*;
use crate::model::load::{ProtocolName, RequestOutcome};
use crate::protocol::by_name;

const TOKEN: &str = r#"{"model":"m","created_at":"t","message":{"role":"assistant","content":"Hi ü"},"done":false}"#;
const EMPTY: &str = r#"{"message":{"role":"assistant","content":""},"done":false}"#;
const THOUGHT: &str = r#"{"message":{"role":"assistant","content":"","thinking":"hm"},"done":false}"#;
const DONE: &str = r#"{"message":{"role":"assistant","content":""},"done":true,"done_reason":"length","total_duration":9,"load_duration":2,"prompt_eval_count":5,"eval_count":42,"eval_duration":6}"#;
const ERROR: &str = r#"{"error":"runner died"}"#;

type ParsedStream = (u32, bool, Result<ChatTotals, ChatStreamError>);

/// The streams here are Ollama's; what is tested holds for every protocol.
fn new_stream() -> ChatStream {
    ChatStream::new(by_name(ProtocolName::Ollama))
}

fn parse_pieces(pieces: &[&[u8]]) -> ParsedStream {
    let mut stream = new_stream();
    for piece in pieces {
        if let Err(error) = stream.push(piece) {
            return (stream.chunks(), stream.has_content(), Err(error));
        }
    }
    let ended = stream.finish();
    (stream.chunks(), stream.has_content(), ended)
}

fn outcome(text: &str) -> RequestOutcome {
    match parse_pieces(&[text.as_bytes()]).2 {
        Ok(_) => RequestOutcome::Succeeded,
        Err(error) => error.outcome(),
    }
}

fn totals() -> ChatTotals {
    ChatTotals { tokens: 42, total_ns: Some(9), load_ns: Some(2), end_reason: Some("length".to_owned()) }
}

#[test]
fn a_response_succeeds_only_with_done_and_without_an_error_line() {
    let cases = [
        (format!("{TOKEN}\n{DONE}\n"), RequestOutcome::Succeeded),
        (format!("{TOKEN}\r\n\r\n{DONE}"), RequestOutcome::Succeeded),
        (format!("{DONE}\n\n \r\n"), RequestOutcome::Succeeded),
        (format!("{TOKEN}\n"), RequestOutcome::Truncated),
        (String::new(), RequestOutcome::Truncated),
        (format!("{TOKEN}\n{{\"mess"), RequestOutcome::Truncated),
        (format!("{TOKEN}\n{ERROR}\n"), RequestOutcome::ErrorLine),
        (ERROR.to_owned(), RequestOutcome::ErrorLine),
        (r#"{"error":{"message":"x"}}"#.to_owned(), RequestOutcome::ErrorLine),
        (r#"{"done":true,"error":"x"}"#.to_owned(), RequestOutcome::ErrorLine),
        (r#"{"done":true,"error":null}"#.to_owned(), RequestOutcome::Succeeded),
        (format!("{DONE}\n{ERROR}\n"), RequestOutcome::ErrorLine),
        (format!("{DONE}\n{DONE}\n"), RequestOutcome::BadJson),
        (format!("{DONE}\n<html>"), RequestOutcome::BadJson),
        (format!("{DONE}\n{{\"mess"), RequestOutcome::BadJson),
        ("<html>".to_owned(), RequestOutcome::BadJson),
        ("[]\n".to_owned(), RequestOutcome::BadJson),
        ("\"hello\"".to_owned(), RequestOutcome::BadJson),
        ("{\"status\":\"pulling\"}\n".to_owned(), RequestOutcome::BadJson),
        ("{\"done\":\"yes\"}\n".to_owned(), RequestOutcome::BadJson),
        (format!("{{\"mess\n{DONE}\n"), RequestOutcome::BadJson),
    ];
    for (text, expected) in cases {
        assert_eq!(outcome(&text), expected, "{text}");
    }
}

#[test]
fn the_network_may_split_a_response_anywhere() {
    let long = format!("{{\"a\":\"{}\"", "x".repeat(300));
    let streams = [
        format!("{EMPTY}\n{TOKEN}\r\n{THOUGHT}\n{DONE}\n"),
        format!("{TOKEN}\n\n{DONE}"),
        format!("{TOKEN}\n{ERROR}\n{DONE}\n"),
        format!("{TOKEN}\n{long}\n{DONE}\n"),
        format!("{TOKEN}\n{{\"mess"),
        format!("{DONE}\n{TOKEN}\n"),
        "<html>\r\n<body>\r\n".to_owned(),
    ];
    for text in streams {
        let bytes = text.as_bytes();
        let whole = parse_pieces(&[bytes]);
        for at in 0..=bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(parse_pieces(&[a, b]), whole, "split at {at} of {text}");
            for next in (at..=bytes.len()).step_by(7) {
                assert_eq!(
                    parse_pieces(&[a, &bytes[at..next], &bytes[next..]]),
                    whole,
                    "split at {at} and {next} of {text}"
                );
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(parse_pieces(&single), whole);
    }
}

#[test]
fn tokens_and_durations_come_from_the_last_object() {
    let text = format!("{EMPTY}\n{TOKEN}\n{DONE}\n");
    assert_eq!(parse_pieces(&[text.as_bytes()]), (3, true, Ok(totals())));
    assert_eq!(parse_pieces(&[br#"{"done":true}"#]), (1, false, Ok(ChatTotals::default())));
}

#[test]
fn thinking_counts_as_content_and_empty_content_does_not() {
    for (line, has_content) in [(EMPTY, false), (THOUGHT, true), (TOKEN, true), (DONE, false)] {
        let mut stream = new_stream();
        stream.push(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(stream.has_content(), has_content, "{line}");
    }
}

#[test]
fn a_line_without_end_is_rejected_before_it_fills_the_memory() {
    let half = vec![b'x'; MAX_LINE_BYTES / 2 + 1];
    let mut stream = new_stream();
    stream.push(format!("{TOKEN}\n").as_bytes()).unwrap();
    stream.push(&half).unwrap();
    let error = stream.push(&half).unwrap_err();
    assert_eq!(error, ChatStreamError::LineTooLong { line: 2, text: "x".repeat(120) });
    assert_eq!(error.outcome(), RequestOutcome::BadJson);

    let mut whole = vec![b'x'; MAX_LINE_BYTES + 1];
    whole.push(b'\n');
    assert!(matches!(new_stream().push(&whole), Err(ChatStreamError::LineTooLong { line: 1, .. })));
    let mut fits = vec![b' '; MAX_LINE_BYTES];
    fits.push(b'\n');
    new_stream().push(&fits).unwrap();
}

#[test]
fn a_stream_error_has_its_line_number_and_its_start() {
    let error = parse_pieces(&[format!("{TOKEN}\n<h1>\u{1b}[0m\n").as_bytes()]).2.unwrap_err();
    assert_eq!(error.to_string(), "line 2 of the stream: not a JSON object: <h1> [0m");
    assert_eq!(
        parse_pieces(&[format!("{TOKEN}\n").as_bytes()]).2.unwrap_err().to_string(),
        "the response ended after 1 chunks without done:true"
    );
}
