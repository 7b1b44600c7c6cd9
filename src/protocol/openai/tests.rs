//! Streams in the form of each server, and what is no stream.

use super::super::stream::{ChatStream, ChatStreamError, ChatTotals, MAX_LINE_BYTES};
use super::OpenAi;
use crate::model::load::RequestOutcome;

const ROLE: &str = r#"data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const TOKEN: &str =
    r#"data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" ü"},"finish_reason":null}]}"#;
const STOP: &str =
    r#"data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;
const USAGE: &str = r#"data: {"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":42,"total_tokens":51}}"#;
const DONE: &str = "data: [DONE]";

/// Chunks, whether there is text, and the result.
type ParsedStream = (u32, bool, Result<ChatTotals, ChatStreamError>);

fn parse_pieces(pieces: &[&[u8]]) -> ParsedStream {
    let mut stream = ChatStream::new(&OpenAi);
    for piece in pieces {
        if let Err(error) = stream.push(piece) {
            return (stream.chunks(), stream.has_content(), Err(error));
        }
    }
    let ended = stream.finish();
    (stream.chunks(), stream.has_content(), ended)
}

fn parse(text: &str) -> ParsedStream {
    parse_pieces(&[text.as_bytes()])
}

fn events(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n\n")).collect()
}

fn totals(tokens: u64, end_reason: &str) -> ChatTotals {
    ChatTotals { tokens, end_reason: Some(end_reason.to_owned()), ..ChatTotals::default() }
}

fn error_text(text: &str) -> (RequestOutcome, String) {
    let error = parse(text).2.expect_err(text);
    (error.outcome(), error.to_string())
}

/// As vLLM streams: a chunk for the role, one for each token, usage in a chunk without choices.
const VLLM: &str = concat!(
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"A\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null}]}\n\n",
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"total_tokens\":12,\"completion_tokens\":3}}\n\n",
    "data: [DONE]\n\n",
);

/// As Ollama streams: the role in every chunk, `usage` null until the last one.
const OLLAMA: &str = concat!(
    "data: {\"id\":\"chatcmpl-2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"tiny\",\"system_fingerprint\":\"fp_ollama\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"chatcmpl-2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"tiny\",\"system_fingerprint\":\"fp_ollama\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"length\"}]}\n\n",
    "data: {\"id\":\"chatcmpl-2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"tiny\",\"system_fingerprint\":\"fp_ollama\",\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":64,\"total_tokens\":94}}\n\n",
    "data: [DONE]\n\n",
);

/// As llama.cpp streams: `content: null` first, reasoning in a field of its own, no blank line after `[DONE]`.
const LLAMA_CPP: &str = concat!(
    "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}],\"created\":1,\"id\":\"c\",\"model\":\"m\",\"object\":\"chat.completion.chunk\"}\n\n",
    "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}],\"created\":1,\"id\":\"c\",\"model\":\"m\",\"object\":\"chat.completion.chunk\"}\n\n",
    "data: {\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}}],\"created\":1,\"id\":\"c\",\"model\":\"m\",\"object\":\"chat.completion.chunk\",\"timings\":{\"predicted_n\":2}}\n\n",
    "data: {\"choices\":[],\"object\":\"chat.completion.chunk\",\"usage\":{\"completion_tokens\":2,\"prompt_tokens\":5,\"total_tokens\":7}}\n\n",
    "data: [DONE]",
);

/// As TGI streams: no space after the colon, comments that keep the connection open, no usage.
const TGI: &str = concat!(
    ":\n\n",
    "data:{\"object\":\"chat.completion.chunk\",\"id\":\"\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":\"3\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"A\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
    ": keep-alive\r\n\r\n",
    "data:{\"object\":\"chat.completion.chunk\",\"id\":\"\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":\"3\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"b\"},\"logprobs\":null,\"finish_reason\":\"eos_token\"}],\"usage\":null}\n\n",
    "data:[DONE]\n\n",
);

#[test]
fn the_stream_of_each_server_is_read() {
    assert_eq!(parse(VLLM), (3, true, Ok(totals(3, "stop"))));
    assert_eq!(parse(OLLAMA), (2, true, Ok(totals(64, "length"))));
    assert_eq!(parse(LLAMA_CPP), (3, true, Ok(totals(2, "stop"))));
    assert_eq!(parse(TGI), (2, true, Ok(totals(2, "eos_token"))), "without usage the chunks with text count");
}

#[test]
fn the_network_may_split_a_stream_anywhere() {
    let cut = events(&[ROLE, TOKEN]) + &TOKEN[..40];
    let many_lines = format!("{ROLE}\n\ndata: {{\"choices\":\ndata: [],\ndata: \"usage\":null}}\n\n{DONE}\n\n");
    let error = events(&[TOKEN, r#"data: {"error":{"message":"CUDA out of memory","code":500}}"#, DONE]);
    for text in [VLLM, OLLAMA, LLAMA_CPP, TGI, &cut, &many_lines, &error] {
        let bytes = text.as_bytes();
        let whole = parse_pieces(&[bytes]);
        for at in 0..=bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(parse_pieces(&[a, b]), whole, "split at {at} of {text}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(parse_pieces(&single), whole, "{text}");
    }
}

#[test]
fn what_is_no_message_is_no_chunk_and_no_error() {
    let noise = "event: message\nid: 7\nretry: 1000\n: ping\n:\ndata:\ndata: \nx-request-id: a\ndata\n\n\r\n";
    let text = format!("{noise}{TOKEN}\n{noise}{STOP}\n\n{noise}{USAGE}\n\n{DONE}\n\n{noise}");
    assert_eq!(parse(&text), (2, true, Ok(totals(42, "length"))));
    // Data lines without blank lines between them.
    assert_eq!(parse(&[TOKEN, STOP, USAGE, DONE].join("\n")), (2, true, Ok(totals(42, "length"))));
}

#[test]
fn a_role_is_no_token_and_text_of_every_kind_is() {
    let has_content = |delta: &str| parse(&format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n")).1;
    for delta in
        [r#"{"role":"assistant"}"#, r#"{"content":""}"#, r#"{"content":null}"#, "{}", "null", r#"{"tool_calls":[]}"#]
    {
        assert!(!has_content(delta), "{delta}");
    }
    for delta in [
        r#"{"content":"a"}"#,
        r#"{"reasoning":"a"}"#,
        r#"{"reasoning_content":"a","content":null}"#,
        r#"{"tool_calls":[{"index":0}]}"#,
        r#"{"refusal":"no"}"#,
    ] {
        assert!(has_content(delta), "{delta}");
    }
}

#[test]
fn tokens_are_those_of_the_last_usage_or_the_chunks_with_text() {
    let tokens = |lines: &[&str]| parse(&events(lines)).2.unwrap().tokens;
    let usage = |n: &str| TOKEN.replace(r#""object""#, &format!(r#""usage":{{"completion_tokens":{n}}},"object""#));
    assert_eq!(tokens(&[ROLE, TOKEN, TOKEN, STOP, DONE]), 2);
    assert_eq!(tokens(&[ROLE, STOP, DONE]), 0);
    assert_eq!(tokens(&[&usage("1"), &usage("5"), STOP, DONE]), 5);
    assert_eq!(tokens(&[&usage("0"), &usage("0"), STOP, DONE]), 2, "0 for a chunk with text counts nothing");
    assert_eq!(tokens(&[&usage("5"), &usage("null"), STOP, DONE]), 5);
    assert_eq!(tokens(&[&usage("7.0"), DONE]), 7);
}

#[test]
fn an_error_in_a_stream_has_the_servers_words() {
    let cases = [
        (
            r#"data: {"error":{"message":"CUDA out of memory","type":"InternalServerError","code":500}}"#,
            "CUDA out of memory",
        ),
        (r#"data: {"object":"error","message":"too long","type":"BadRequestError","code":400}"#, "too long"),
        (r#"data: {"error":"overloaded","error_type":"overloaded"}"#, "overloaded"),
        (r#"data: {"error":{"code":1}}"#, r#"{"code":1}"#),
        (r#"data: {"choices":[],"error":{"message":"a\u001b[31mb"}}"#, "a [31mb"),
        (
            r#"error: {"code":400,"message":"the request exceeds the context","type":"x"}"#,
            "the request exceeds the context",
        ),
        ("error: busy", "busy"),
        ("Error: busy", "busy"),
        (r#"{"error":{"message":"no such model"}}"#, "no such model"),
        (r#"{"object":"error","message":"no such model"}"#, "no such model"),
        (
            r#"data: {"choices":[{"delta":{},"finish_reason":"abort"}]}"#,
            "the server ended the response with finish_reason abort",
        ),
    ];
    for (line, text) in cases {
        let expected = (RequestOutcome::ErrorLine, text.to_owned());
        for stream in
            [events(&[line]), events(&[ROLE, TOKEN, line, DONE]), events(&[TOKEN, DONE, line]), line.to_owned()]
        {
            assert_eq!(error_text(&stream), expected, "{stream}");
        }
    }
    assert_eq!(parse(&events(&[&TOKEN.replace("\"object\"", "\"error\":null,\"object\""), DONE])).2.unwrap().tokens, 1);
}

#[test]
fn a_stream_without_its_end_mark_is_truncated() {
    let told = "the response ended after 2 chunks without data: [DONE]";
    let whole = events(&[TOKEN, STOP]);
    for end in
        ["", "data: [DO", "da", "data:", "event", ": pi", "data: {\"choi", "data: {\"choices\":\ndata: [", "{\"err"]
    {
        assert_eq!(error_text(&format!("{whole}{end}")), (RequestOutcome::Truncated, told.to_owned()), "{end}");
    }
    assert_eq!(error_text("").0, RequestOutcome::Truncated);
}

#[test]
fn what_is_no_event_stream_is_named() {
    let cases = [
        ("<html>\n".to_owned(), "no line of an event stream: <html>"),
        ("It works!".to_owned(), "no line of an event stream: It works!"),
        ("dat\n".to_owned(), "no line of an event stream: dat"),
        (r#"{"object":"chat.completion","choices":[]}"#.to_owned(), "a JSON object outside of an event"),
        ("data: hello\n".to_owned(), "not a JSON object"),
        ("data: []\n".to_owned(), "not a JSON object"),
        ("data: {\"id\":1}\n".to_owned(), "an object without choices, usage or error"),
        ("data: {\"choices\":{}}\n".to_owned(), "`choices` is not a list"),
        ("data: {\"choices\":[7]}\n".to_owned(), "a choice is not an object"),
        ("data: {\"choices\"\n\n".to_owned(), "EOF while parsing an object"),
        ("data: {nonsense}\n".to_owned(), "key must be a string"),
        (events(&[DONE]), "data: [DONE] without a chunk before it"),
        (events(&[USAGE, DONE]), "data: [DONE] without a chunk before it"),
        (events(&[TOKEN, DONE, TOKEN]), "a chunk after data: [DONE]"),
        (events(&[TOKEN, DONE, DONE]), "a chunk after data: [DONE]"),
        (format!("{}<html>", events(&[TOKEN, DONE])), "no line of an event stream"),
        (format!("{}data: {{\"choi", events(&[TOKEN, DONE])), "EOF while parsing a string"),
    ];
    for (text, reason) in cases {
        let (outcome, error) = error_text(&text);
        assert_eq!(outcome, RequestOutcome::BadJson, "{text}: {error}");
        assert!(error.contains(reason), "{text}: {error}");
    }
    assert!(error_text(&format!("{TOKEN}\n\n: ping\n<html>\n")).1.starts_with("line 3 of the stream: "));
}

#[test]
fn a_message_of_many_lines_is_bounded() {
    let lines = |n: usize| format!("data: {{\"choices\":[\n{}data: ]}}\n\n{DONE}", "data: \"\",\n".repeat(n));
    let (outcome, error) = error_text(&lines(100));
    assert!(outcome == RequestOutcome::BadJson && error.starts_with("line 64 of the stream: EOF"), "{error}");
    let part = format!("data: \"{}\",\n", "x".repeat(MAX_LINE_BYTES / 3));
    let long = format!("data: {{\"choices\":[\n{}", part.repeat(4));
    assert!(matches!(parse(&long).2, Err(ChatStreamError::LineTooLong { line: 4, .. })), "{:?}", parse(&long).0);
}
