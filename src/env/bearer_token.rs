//! The bearer token of the load. It is a secret: it is sent to the endpoint, and appears nowhere else.

use std::fmt::{self, Debug, Formatter};

use http::HeaderValue;

use super::Redactor;
use super::redactor::REDACTED;

/// Longest token, bytes: servers take no longer headers.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// So many bytes of a token in a text show that the text quotes it, whole or cut.
const FRAGMENT_BYTES: usize = 8;

/// A bearer token.
#[derive(Clone)]
pub struct BearerToken(String);

/// Without the token.
impl Debug for BearerToken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "BearerToken({REDACTED})")
    }
}

impl BearerToken {
    /// The token in this text, without the white space around it.
    ///
    /// # Errors
    /// It is no token, or too simple to be found in a text, so that evidence could not be kept free of it. The message has
    /// nothing of the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let token = text.trim();
        if token.is_empty() {
            return Err("it is empty");
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err("it is longer than 8192 bytes");
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has a space, a line break, or a character that is not printable ASCII");
        }
        if !Redactor::can_redact(token) {
            return Err(
                "it is shorter than 6 characters or a plain word, so evidence could not be kept free of it; use a longer one",
            );
        }
        Ok(Self(token.to_owned()))
    }

    /// The value of the header `Authorization`; `None` for no token.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Makes a redactor redact the token in everything that the bundle gets.
    pub(crate) fn register(&self, redactor: &Redactor) {
        redactor.add_secret(&self.0);
    }

    /// The text without the token. A server may quote the token that it refuses, and messages are cut: each part of the token
    /// that is long enough to be recognized is replaced.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        let size = self.0.len().min(FRAGMENT_BYTES);
        let is_part = |at: usize| {
            text.as_bytes()
                .get(at..at + size)
                .is_some_and(|part| self.0.as_bytes().windows(size).any(|own| own == part))
        };
        let (mut hidden, mut end) = (String::with_capacity(text.len()), 0);
        for (at, character) in text.char_indices() {
            // The token is ASCII, so that each of its bytes is a character.
            if is_part(at) {
                if at >= end {
                    hidden.push_str(REDACTED);
                }
                end = at + size;
            }
            if at >= end {
                hidden.push(character);
            }
        }
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "sk-9fJ2m+Qx7/Lw0Za";

    #[test]
    fn a_token_is_printable_and_long_enough_to_be_found_in_a_text() {
        for text in [TOKEN.to_owned(), format!(" {TOKEN}\r\n"), format!("{TOKEN}\n")] {
            let header = BearerToken::parse(&text).unwrap().authorization().unwrap();
            assert!(header.is_sensitive());
            assert_eq!(header.to_str().unwrap(), format!("Bearer {TOKEN}"));
        }
        let cases = [
            ("", "empty"),
            (" \n", "empty"),
            ("sk-12345\nsk-67890", "line break"),
            ("sk-1234\u{1b}[31m", "printable"),
            ("sk-schlüssel-1", "printable"),
            ("token", "shorter"),
            ("prometheus", "plain word"),
        ];
        for (text, message) in cases {
            let error = BearerToken::parse(text).unwrap_err();
            assert!(error.contains(message) && (text.trim().is_empty() || !error.contains(text)), "{text}: {error}");
        }
        assert_eq!(BearerToken::parse(&"aB3".repeat(3000)).unwrap_err(), "it is longer than 8192 bytes");
        assert_eq!(format!("{:?}", BearerToken::parse(TOKEN).unwrap()), "BearerToken(REDACTED)");
    }

    #[test]
    fn a_quoted_token_is_hidden_whole_and_cut_anywhere() {
        let token = BearerToken::parse(TOKEN).unwrap();
        let quoted = format!("Incorrect API key ü {TOKEN}: ü");
        assert_eq!(token.hide_in(&quoted), "Incorrect API key ü REDACTED: ü");
        for cut in TOKEN.len() - 10..TOKEN.len() {
            let text = format!("key {}...", &TOKEN[..cut]);
            assert_eq!(token.hide_in(&text), if cut >= 8 { "key REDACTED..." } else { text.as_str() }, "{cut}");
            assert!(!token.hide_in(&format!("{}, refused", &TOKEN[TOKEN.len() - cut..])).contains("0Za"));
        }
        assert_eq!(token.hide_in(&format!("{TOKEN}{TOKEN} {TOKEN}")), "REDACTEDREDACTED REDACTED");
        assert_eq!(token.hide_in("sk-9fJ2 and nothing else"), "sk-9fJ2 and nothing else");
        assert_eq!(BearerToken::parse("a1b2c3").unwrap().hide_in("xa1b2c3y"), "xREDACTEDy");
    }
}
