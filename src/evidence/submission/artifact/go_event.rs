//! Reads one line of `go test -json` as Go's `encoding/json` does: keys in any case, the last of equal keys counts, null
//! changes nothing, and unknown keys may have any value.

use std::iter::Peekable;
use std::str::Chars;

/// Deepest nesting that Go reads.
const MAX_DEPTH: usize = 10_000;

/// The fields of a line that the validator reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GoEvent {
    pub(super) action: String,
    pub(super) package: String,
    pub(super) test: String,
}

impl GoEvent {
    /// Parses a line; `None` if it is no JSON, no object, or has a field of another type.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let bytes = line.as_bytes();
        if skip_space(bytes, value_end(bytes, 0)?) != bytes.len() {
            return None;
        }
        let mut event = Self::default();
        let mut at = skip_space(bytes, 0);
        match bytes.get(at)? {
            b'n' => return Some(event),
            b'{' => at = skip_space(bytes, at + 1),
            _ => return None,
        }
        while bytes.get(at) == Some(&b'"') {
            let key_end = string_end(bytes, at)?;
            let key = unquote(line.get(at..key_end)?);
            let value_at = skip_space(bytes, skip_space(bytes, key_end) + 1);
            let end = value_end(bytes, value_at)?;
            if let Some(field) = event.field(&key) {
                let value = line.get(value_at..end)?;
                match value.as_bytes().first()? {
                    b'"' => *field = unquote(value),
                    b'n' => {}
                    _ => return None,
                }
            }
            at = skip_space(bytes, end);
            if bytes.get(at) == Some(&b',') {
                at = skip_space(bytes, at + 1);
            }
        }
        Some(event)
    }

    /// The field of a key, in any case of Unicode's simple folding: `ſ` is an s, and the Kelvin sign a k.
    fn field(&mut self, key: &str) -> Option<&mut String> {
        let fold = |c: char| match c {
            'ſ' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        };
        match key.chars().map(fold).collect::<String>().as_str() {
            "action" => Some(&mut self.action),
            "package" => Some(&mut self.package),
            "test" => Some(&mut self.test),
            _ => None,
        }
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The index after a value. It keeps its own stack, since a line may nest deeper than the thread's.
fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut closers) = (start, Vec::new());
    loop {
        at = skip_space(bytes, at);
        let first = *bytes.get(at)?;
        if let b'{' | b'[' = first {
            let closer = if first == b'{' { b'}' } else { b']' };
            closers.push(closer);
            if closers.len() > MAX_DEPTH {
                return None;
            }
            at = skip_space(bytes, at + 1);
            if bytes.get(at) != Some(&closer) {
                at = if first == b'{' { key_end(bytes, at)? } else { at };
                continue;
            }
        } else {
            at = scalar_end(bytes, at)?;
        }
        loop {
            let Some(closer) = closers.last() else { return Some(at) };
            at = skip_space(bytes, at);
            match bytes.get(at)? {
                b',' => {
                    at = if *closer == b'}' { key_end(bytes, skip_space(bytes, at + 1))? } else { at + 1 };
                    break;
                }
                byte if byte == closer => {
                    closers.pop();
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

/// The index after a key and its colon.
fn key_end(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip_space(bytes, string_end(bytes, at)?);
    (bytes.get(at) == Some(&b':')).then_some(at + 1)
}

fn scalar_end(bytes: &[u8], at: usize) -> Option<usize> {
    let literal = |word: &str| bytes.get(at..)?.starts_with(word.as_bytes()).then_some(at + word.len());
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b't' => literal("true"),
        b'f' => literal("false"),
        b'n' => literal("null"),
        _ => number_end(bytes, at),
    }
}

fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = |mut at: usize| {
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > start).then_some(at)
    };
    let at = if bytes.get(at) == Some(&b'-') { at + 1 } else { at };
    let mut end = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(at)? };
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + sign)?;
    }
    Some(end)
}

/// The index after a string, which has no control characters and only JSON's escapes.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = if bytes.get(at) == Some(&b'"') { at + 1 } else { return None };
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            0..0x20 => return None,
            b'\\' => match bytes.get(at + 1)? {
                b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at += 6,
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                _ => return None,
            },
            _ => at += 1,
        }
    }
}

/// The text of a string that `string_end` has accepted. Half a surrogate pair becomes U+FFFD.
fn unquote(quoted: &str) -> String {
    let mut out = String::new();
    let mut chars = quoted.get(1..quoted.len() - 1).unwrap_or_default().chars().peekable();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('u')) => out.push(unicode_escape(&mut chars)),
            ('\\', Some('b')) => out.push('\u{8}'),
            ('\\', Some('f')) => out.push('\u{c}'),
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
    out
}

/// The character of `\uXXXX`, or of two of them.
fn unicode_escape(chars: &mut Peekable<Chars<'_>>) -> char {
    let unit = |chars: &mut Peekable<Chars<'_>>| chars.take(4).fold(0, |sum, c| sum * 16 + c.to_digit(16).unwrap_or(0));
    let first = unit(chars);
    let mut ahead = chars.clone();
    if (0xd800..0xdc00).contains(&first) && ahead.next() == Some('\\') && ahead.next() == Some('u') {
        let second = unit(&mut ahead);
        if (0xdc00..0xe000).contains(&second) {
            *chars = ahead;
            return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).unwrap_or('\u{fffd}');
        }
    }
    char::from_u32(first).unwrap_or('\u{fffd}')
}
