//! Names what of a query the parser does not support: all of it, where the parser stops at the first of them.

use super::parse::parse;

/// The functions and operators of PromQL that the parser knows.
const KNOWN_FUNCTIONS: [&str; 5] = ["avg", "sum", "max", "min", "by"];
/// Words that change what a query means, and that the parser does not know.
const UNKNOWN_WORDS: [&str; 10] =
    ["offset", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool"];

/// What the parser does not support in a query, each once; empty if it parses.
pub(in crate::sim::pipeline) fn find_unsupported(query: &str) -> Vec<String> {
    let Err(first) = parse(query) else { return Vec::new() };
    let mut lacks: Vec<String> = Vec::new();
    let mut add = |lack: String| {
        if !lacks.contains(&lack) {
            lacks.push(lack);
        }
    };
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, c));
        let is_word = c.is_ascii_alphabetic() || c == '_';
        let next = after.trim_start();
        // An operator such as topk or count may have its labels before its parenthesis.
        let is_function = next.starts_with('(') || ["by", "without"].iter().any(|word| starts_with_word(next, word));
        if c == '[' {
            add(format!("the range `{token}`"));
        } else if is_word && UNKNOWN_WORDS.contains(&token) {
            let amount = next.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            add(if token == "offset" { format!("`offset {amount}`") } else { format!("`{token}`") });
        } else if is_word && is_function && !KNOWN_FUNCTIONS.contains(&token) {
            add(format!("`{token}`"));
        } else if "@%^<>=!".contains(c) {
            add(format!("`{c}`"));
        }
        rest = after;
    }
    if lacks.is_empty() { vec![first] } else { lacks }
}

/// The length of the token at the beginning: a word, a string, matchers or a range, else one character. Within matchers every
/// operator is one of labels.
fn token_length(text: &str, first: char) -> usize {
    let until =
        |end: char| text[first.len_utf8()..].find(end).map_or(text.len(), |at| first.len_utf8() + at + end.len_utf8());
    match first {
        '[' => until(']'),
        '{' => until('}'),
        '"' | '\'' => until(first),
        c if c.is_ascii_alphanumeric() || c == '_' || c == ':' => {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
            end.unwrap_or(text.len())
        }
        c => c.len_utf8(),
    }
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}
