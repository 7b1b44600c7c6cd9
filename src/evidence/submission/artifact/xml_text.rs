//! Characters, names and pseudo-attributes of XML, as Go's `encoding/xml` reads them.

pub(super) type XmlResult<T> = Result<T, String>;

/// The text, if it is UTF-8 and XML allows its characters.
pub(super) fn check_text(bytes: &[u8]) -> XmlResult<&str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "invalid UTF-8")?;
    let is_forbidden = |c: &char| {
        let is_control = *c < ' ' && !matches!(c, '\t' | '\n' | '\r');
        is_control || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    match text.chars().find(is_forbidden) {
        Some(c) => Err(format!("illegal character code U+{:04X}", u32::from(c))),
        None => Ok(text),
    }
}

/// The value of a pseudo-attribute of the XML declaration; `param` ends with its equals sign. Go looks for the first
/// occurrence that a quote follows.
pub(super) fn pseudo_attribute<'t>(content: &'t str, param: &str) -> &'t str {
    let mut rest = content;
    while let Some((_, after)) = rest.split_once(param) {
        if let Some(quote) = after.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let value = after.get(1..).unwrap_or_default();
            return value.split_once(quote).map_or("", |(value, _)| value);
        }
        let mut chars = after.chars();
        chars.next();
        rest = chars.as_str();
    }
    ""
}

pub(super) fn local_name(name: &str) -> &str {
    match name.split_once(':') {
        Some((prefix, local)) if !prefix.is_empty() && !local.is_empty() => local,
        _ => name,
    }
}

/// Characters of names by the fifth edition of XML 1.0. Go has the lists of the second edition, which lack some scripts.
pub(super) fn is_name_start(c: char) -> bool {
    matches!(c, ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

pub(super) fn is_name_char(c: char) -> bool {
    let is_mark = matches!(c, '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}');
    is_mark || is_name_start(c) || matches!(c, '-' | '.' | '0'..='9')
}
