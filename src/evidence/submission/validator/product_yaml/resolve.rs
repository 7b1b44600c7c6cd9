//! The type of a scalar by its text, as go-yaml 3.0.1 resolves it: YAML 1.1, with `yes` and `on` as texts.

use jiff::civil::Date;

pub(super) const STR_TAG: &str = "!!str";
pub(super) const NULL_TAG: &str = "!!null";
pub(super) const MERGE_TAG: &str = "!!merge";
pub(super) const BINARY_TAG: &str = "!!binary";
const LONG_PREFIX: &str = "tag:yaml.org,2002:";

/// The value of a scalar, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScalarValue {
    Null,
    Text(String),
    /// A boolean, a number or a time.
    Other,
}

/// `!!str` for `tag:yaml.org,2002:str`.
pub(super) fn short_tag(tag: &str) -> String {
    tag.strip_prefix(LONG_PREFIX).map_or_else(|| tag.to_owned(), |name| format!("!!{name}"))
}

/// The tag and value of a plain scalar, or of one with this tag.
///
/// # Errors
/// The text is no value of the tag.
pub(super) fn resolve(tag: &str, text: &str) -> Result<(String, ScalarValue), String> {
    let is_resolvable = matches!(tag, "" | "!!str" | "!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp");
    let as_text = || ScalarValue::Text(text.to_owned());
    if !is_resolvable {
        return Ok((tag.to_owned(), as_text()));
    }
    let found = if tag == STR_TAG { STR_TAG } else { plain_tag(tag, text) };
    let value = match found {
        NULL_TAG => ScalarValue::Null,
        STR_TAG | MERGE_TAG => as_text(),
        _ => ScalarValue::Other,
    };
    match (tag, found) {
        ("", _) => Ok((found.to_owned(), value)),
        _ if tag == found => Ok((found.to_owned(), value)),
        ("!!float", "!!int") => Ok((tag.to_owned(), value)),
        _ => Err(format!("cannot decode {found} `{text}` as a {tag}")),
    }
}

fn plain_tag(tag: &str, text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return NULL_TAG,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return "!!bool",
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return "!!float",
        // go-yaml looks into its table only after certain first letters, and `<` is none of them.
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') if is_float(text) => "!!float",
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = text.replace('_', "");
            match () {
                () if matches!(tag, "" | "!!timestamp") && is_timestamp(text) => "!!timestamp",
                () if is_integer(&plain) => "!!int",
                () if is_float(&plain) => "!!float",
                () => STR_TAG,
            }
        }
        _ => STR_TAG,
    }
}

/// An integer of at most 64 bits, in Go's notations: `0x`, `0o`, `0b` and a leading zero for octal numbers.
fn is_integer(text: &str) -> bool {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.get(..1), digits),
        None => (None, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', rest @ ..] => (rest, 16),
        [b'0', b'o', rest @ ..] => (rest, 8),
        [b'0', b'b', rest @ ..] => (rest, 2),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        digits => (digits, 10),
    };
    let Ok(digits) = std::str::from_utf8(digits) else { return false };
    let Ok(value) = u64::from_str_radix(digits, radix) else { return false };
    // `from_str_radix` takes a second sign.
    let is_digits = !digits.starts_with(['+', '-']);
    // Go parses an unsigned number of 64 bits only without a sign.
    let limit = match sign {
        Some("-") => 1 << 63,
        Some(_) => (1 << 63) - 1,
        None => u64::MAX,
    };
    is_digits && value <= limit
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    let is_exponent = exponent.is_none_or(|text| is_digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    is_mantissa && is_exponent && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of one or two digits.
fn short_number(text: &str) -> Option<i8> {
    if is_digits(text) && text.len() <= 2 { text.parse().ok() } else { None }
}

/// A date, or a date with a time, in one of go-yaml's four notations.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = text.split_at(text.find(['T', 't', ' ']).unwrap_or(text.len()));
    let mut parts = date.splitn(3, '-');
    let mut part = || parts.next().unwrap_or_default();
    let (year, month, day) = (part(), part(), part());
    let date = match (is_digits(year) && year.len() == 4, short_number(month), short_number(day)) {
        (true, Some(month), Some(day)) => year.parse().ok().and_then(|year| Date::new(year, month, day).ok()),
        _ => None,
    };
    date.is_some() && (time.is_empty() || is_time(time))
}

/// ` 15:04:05`, or `T15:04:05` with a zone.
fn is_time(text: &str) -> bool {
    let clock = if let Some(clock) = text.strip_prefix(' ') {
        Some(clock)
    } else if let Some(clock) = text.strip_suffix('Z') {
        clock.get(1..)
    } else {
        let zone = |at: usize| text.get(at + 1..).and_then(|zone| zone.split_once(':'));
        let sign = text.rfind(['+', '-']);
        let is_zone =
            |(hour, minute): (&str, &str)| [hour, minute].iter().all(|part| part.len() == 2 && is_digits(part));
        sign.filter(|at| zone(*at).is_some_and(is_zone)).and_then(|at| text.get(1..at))
    };
    let Some(clock) = clock else { return false };
    let mut parts = clock.splitn(3, ':');
    let mut part = || parts.next().unwrap_or_default();
    let (hour, minute, second) = (part(), part(), part());
    let (second, fraction) = match second.split_once(['.', ',']) {
        Some((second, fraction)) => (second, Some(fraction)),
        None => (second, None),
    };
    let below = |text: &str, limit: i8| short_number(text).is_some_and(|number| number < limit);
    below(hour, 24) && below(minute, 60) && below(second, 60) && fraction.is_none_or(is_digits)
}
