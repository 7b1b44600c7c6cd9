//! Characters that a reader does not see, and that a terminal or browser acts on: a text from a cluster or a stranger's
//! bundle could otherwise clear the screen, or show a name as another one.

/// True for control characters, line breaks among them, and for those that change the direction of the text (Unicode's
/// property Bidi_Control).
#[must_use]
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with U+FFFD for each hidden character other than those in `kept`.
#[must_use]
pub(crate) fn replace_hidden(text: &str, kept: &[char]) -> String {
    text.chars().map(|c| if is_hidden(c) && !kept.contains(&c) { '\u{fffd}' } else { c }).collect()
}

/// A JSON text with the hidden characters of its strings as escapes: the same value. Its own line breaks stay.
#[must_use]
pub(crate) fn escape_hidden_in_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match is_hidden(c) && c != '\n' {
            // All of them are in the basic plane. JSON has control characters below U+0020 as escapes already.
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_replaced_and_others_stay() {
        let text = "a\u{1b}[2J\tb\u{202e}c\u{7f}\u{9b}d\u{200f}\u{2066}é\n";
        assert_eq!(replace_hidden(text, &['\n']), "a\u{fffd}[2J\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}d\u{fffd}\u{fffd}é\n");
        assert_eq!(replace_hidden("a\tb\n", &['\n', '\t']), "a\tb\n");
    }

    #[test]
    fn an_escaped_json_text_has_the_same_value() {
        let value = serde_json::json!({"a\u{202e}": ["x\u{1b}\u{9b}\u{7f}\n", 1]});
        let text = escape_hidden_in_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.chars().all(|c| !is_hidden(c) || c == '\n') && text.contains("a\\u202e"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
