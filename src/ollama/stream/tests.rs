use super::*;

const TOKEN: &str = r#"{"model":"m","created_at":"t","message":{"role":"assistant","content":"Hi ü"},"done":false}"#;
const EMPTY: &str = r#"{"message":{"role":"assistant","content":""},"done":false}"#;
const THOUGHT: &str = r#"{"message":{"role":"assistant","content":"","thinking":"hm"},"done":false}"#;
const DONE: &str = r#"{"message":{"role":"assistant","content":""},"done":true,"done_reason":"length","total_duration":9,"load_duration":2,"prompt_eval_count":5,"eval_count":42,"eval_duration":6}"#;
const ERROR: &str = r#"{"error":"runner died"}"#;

type Seen = (u32, bool, Result<Totals, Fault>);

fn all(pieces: &[&[u8]]) -> Seen {
    let mut stream = ChatStream::default();
    for piece in pieces {
        if let Err(fault) = stream.push(piece) {
            return (stream.chunks(), stream.spoke(), Err(fault));
        }
    }
    let ended = stream.finish();
    (stream.chunks(), stream.spoke(), ended)
}

fn outcome(text: &str) -> Outcome {
    match all(&[text.as_bytes()]).2 {
        Ok(_) => Outcome::Good,
        Err(fault) => fault.outcome(),
    }
}

fn totals() -> Totals {
    Totals { tokens: 42, total_ns: Some(9), load_ns: Some(2), done_reason: Some("length".to_owned()) }
}

#[test]
fn an_answer_is_good_only_with_done_and_without_an_error_line() {
    let cases = [
        (format!("{TOKEN}\n{DONE}\n"), Outcome::Good),
        (format!("{TOKEN}\r\n\r\n{DONE}"), Outcome::Good),
        (format!("{DONE}\n\n \r\n"), Outcome::Good),
        (format!("{TOKEN}\n"), Outcome::Truncated),
        (String::new(), Outcome::Truncated),
        (format!("{TOKEN}\n{{\"mess"), Outcome::Truncated),
        (format!("{TOKEN}\n{ERROR}\n"), Outcome::ErrorLine),
        (ERROR.to_owned(), Outcome::ErrorLine),
        (r#"{"error":{"message":"x"}}"#.to_owned(), Outcome::ErrorLine),
        (r#"{"done":true,"error":"x"}"#.to_owned(), Outcome::ErrorLine),
        (r#"{"done":true,"error":null}"#.to_owned(), Outcome::Good),
        (format!("{DONE}\n{ERROR}\n"), Outcome::ErrorLine),
        (format!("{DONE}\n{DONE}\n"), Outcome::BadJson),
        (format!("{DONE}\n<html>"), Outcome::BadJson),
        (format!("{DONE}\n{{\"mess"), Outcome::BadJson),
        ("<html>".to_owned(), Outcome::BadJson),
        ("[]\n".to_owned(), Outcome::BadJson),
        ("\"hello\"".to_owned(), Outcome::BadJson),
        ("{\"status\":\"pulling\"}\n".to_owned(), Outcome::BadJson),
        ("{\"done\":\"yes\"}\n".to_owned(), Outcome::BadJson),
        (format!("{{\"mess\n{DONE}\n"), Outcome::BadJson),
    ];
    for (text, expected) in cases {
        assert_eq!(outcome(&text), expected, "{text}");
    }
}

#[test]
fn the_network_may_split_an_answer_anywhere() {
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
        let whole = all(&[bytes]);
        for at in 0..=bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(all(&[a, b]), whole, "split at {at} of {text}");
            for next in (at..=bytes.len()).step_by(7) {
                assert_eq!(all(&[a, &bytes[at..next], &bytes[next..]]), whole, "split at {at} and {next} of {text}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(all(&single), whole);
    }
}

#[test]
fn tokens_and_durations_come_from_the_last_object() {
    let text = format!("{EMPTY}\n{TOKEN}\n{DONE}\n");
    assert_eq!(all(&[text.as_bytes()]), (3, true, Ok(totals())));
    assert_eq!(all(&[br#"{"done":true}"#]), (1, false, Ok(Totals::default())));
}

#[test]
fn thinking_counts_as_speech_and_empty_content_does_not() {
    for (line, spoke) in [(EMPTY, false), (THOUGHT, true), (TOKEN, true), (DONE, false)] {
        let mut stream = ChatStream::default();
        stream.push(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(stream.spoke(), spoke, "{line}");
    }
}

#[test]
fn a_line_without_end_is_refused_before_it_fills_the_memory() {
    let half = vec![b'x'; LINE_BYTES / 2 + 1];
    let mut stream = ChatStream::default();
    stream.push(format!("{TOKEN}\n").as_bytes()).unwrap();
    stream.push(&half).unwrap();
    let fault = stream.push(&half).unwrap_err();
    assert_eq!(fault, Fault::LineTooLong { line: 2, text: "x".repeat(120) });
    assert_eq!(fault.outcome(), Outcome::BadJson);

    let mut whole = vec![b'x'; LINE_BYTES + 1];
    whole.push(b'\n');
    assert!(matches!(ChatStream::default().push(&whole), Err(Fault::LineTooLong { line: 1, .. })));
    let mut fits = vec![b' '; LINE_BYTES];
    fits.push(b'\n');
    ChatStream::default().push(&fits).unwrap();
}

#[test]
fn a_fault_names_its_line_and_shows_its_beginning() {
    let fault = all(&[format!("{TOKEN}\n<h1>\u{1b}[0m\n").as_bytes()]).2.unwrap_err();
    assert_eq!(fault.to_string(), "line 2 of the stream: not a JSON object: <h1> [0m");
    assert_eq!(
        all(&[format!("{TOKEN}\n").as_bytes()]).2.unwrap_err().to_string(),
        "the answer ended after 1 chunks without done:true"
    );
}
