//! The tokens of a query.

use crate::model::adapter_rule::duration_ms;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    /// A time, milliseconds.
    Time(i64),
    Word(&'a str),
    Text(String),
    /// An operator, a parenthesis or a comma.
    Symbol(&'static str),
    End,
}

/// Longer symbols come first.
const SYMBOLS: [&str; 24] = [
    "=~", "!~", "!=", "==", ">=", "<=", "=", ">", "<", "+", "-", "*", "/", "%", "^", "(", ")", "{", "}", "[", "]", ",",
    ":", "@",
];

/// The first token of a text, and the text after it.
///
/// # Errors
/// The text begins with no token; the message names it.
pub(super) fn next_token(text: &str) -> Result<(Token<'_>, &str), String> {
    let text = skip_comments(text);
    let Some(first) = text.chars().next() else { return Ok((Token::End, text)) };
    if first.is_ascii_digit() || (first == '.' && text[1..].starts_with(|c: char| c.is_ascii_digit())) {
        return lex_number(text);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
        return Ok((Token::Word(&text[..end]), &text[end..]));
    }
    if ['"', '\'', '`'].contains(&first) {
        return lex_text(&text[1..], first);
    }
    let symbol = SYMBOLS.into_iter().find(|symbol| text.starts_with(symbol));
    let symbol = symbol.ok_or_else(|| format!("`{text}` in a query"))?;
    Ok((Token::Symbol(symbol), &text[symbol.len()..]))
}

fn skip_comments(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(comment) = text.strip_prefix('#') {
        text = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    text
}

/// A number such as `1.5e3`, or a time such as `1h30m`.
fn lex_number(text: &str) -> Result<(Token<'_>, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    // `duration_ms` takes a number without a unit as seconds.
    let time = duration_ms(word).filter(|_| word.ends_with(|c: char| c.is_ascii_alphabetic()));
    if let Some(ms) = time.and_then(|ms| i64::try_from(ms).ok()) {
        return Ok((Token::Time(ms), rest));
    }
    // The sign of an exponent belongs to the number.
    let (word, rest) = match rest.strip_prefix(['-', '+']) {
        Some(after) if word.ends_with(['e', 'E']) => {
            let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            text.split_at(end + 1 + digits)
        }
        _ => (word, rest),
    };
    let number = word.parse().map_err(|_| format!("`{word}` in a query"))?;
    Ok((Token::Number(number), rest))
}

/// The string before `quote`, with its escapes resolved; a backquote has none.
fn lex_text(text: &str, quote: char) -> Result<(Token<'_>, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Token::Text(value), &text[at + c.len_utf8()..])),
            '\\' if quote != '`' => value.push(match chars.next() {
                Some((_, c @ ('\\' | '"' | '\''))) => c,
                Some((_, 'n')) => '\n',
                Some((_, 't')) => '\t',
                _ => return Err(format!("the escape in `{text}` in a query")),
            }),
            c => value.push(c),
        }
    }
    Err("a query that ends early".to_owned())
}
