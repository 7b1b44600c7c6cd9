//! Recognizes secrets by their form, in any text.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Placeholder of a secret.
pub(in crate::env) const REDACTED: &str = "REDACTED";

/// A pattern's groups `keep` and `then` are not redacted.
const PATTERNS: &[&str] = &[
    // A private key in PEM.
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|\z)",
    // user:password@ of a URL.
    r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+(?P<then>@)",
    // An Authorization header, to the end of its line.
    r#"(?i)(?P<keep>\bauthorization["']?\s*[:=]\s*)[^\r\n]+"#,
    r"(?i)(?P<keep>\b(bearer|basic)\s+)[a-z0-9._~+/-]{8,}=*",
    // password=..., "token": "...", and the flag --api-key ...
    r#"(?i)(?P<keep>(password|passwd|secret|token|api[-_]?key|credentials?|private[-_]?key)["']?[ \t]*[:=][ \t]*["']?)[^\s"',;&]{6,}"#,
    r"(?i)(?P<keep>--[a-z-]*(password|secret|token|api-key)[ \t]+)[^\s]{6,}",
    // JSON Web Token.
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    // Hugging Face, NVIDIA, GitHub, GitLab, AWS.
    r"\b(hf_[A-Za-z0-9]{20,}|nvapi-[A-Za-z0-9_-]{20,}|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16})\b",
];

/// The compiled patterns. They are constants, so the test below shows one that does not compile.
static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect());

/// The text with every match replaced by [`REDACTED`].
pub(super) fn redact_patterns(text: &str) -> Cow<'_, str> {
    let mut redacted = Cow::Borrowed(text);
    for pattern in COMPILED.iter() {
        if pattern.is_match(&redacted) {
            let group = |found: &Captures<'_>, name| found.name(name).map_or("", |part| part.as_str()).to_owned();
            let replacement =
                |found: &Captures<'_>| format!("{}{REDACTED}{}", group(found, "keep"), group(found, "then"));
            redacted = pattern.replace_all(&redacted, replacement).into_owned().into();
        }
    }
    redacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn secrets_are_redacted_and_their_keys_stay() {
        let key = "-----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY-----";
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.c2lnbmF0dXJl";
        let cases = [
            (format!("key {key} end"), "key REDACTED end"),
            ("http://me:pa55@prom:9090/api".to_owned(), "http://REDACTED@prom:9090/api"),
            ("Authorization: Basic dXNlcjpwYXNz\nnext".to_owned(), "Authorization: REDACTED\nnext"),
            (format!("sent Bearer {token}."), "sent Bearer REDACTED"),
            (format!("401 for {token}: expired"), "401 for REDACTED: expired"),
            ("{\"password\":\"hunter22\",\"a\":1}".to_owned(), "{\"password\":\"REDACTED\",\"a\":1}"),
            ("HF_TOKEN=abcdefgh rest".to_owned(), "HF_TOKEN=REDACTED rest"),
            ("run --api-key abcdefgh now".to_owned(), "run --api-key REDACTED now"),
            ("pull with hf_abcdefghijklmnopqrstuvwx".to_owned(), "pull with REDACTED"),
        ];
        for (text, redacted) in cases {
            assert_eq!(redact_patterns(&text), redacted, "{text}");
            assert_eq!(redact_patterns(redacted), redacted, "redacting twice changes nothing");
        }
    }

    #[test]
    fn messages_of_a_run_are_not_redacted() {
        let said = [
            "first chat: 64 tokens",
            "no right to get of secrets in namespace gpuhpa, to read helm's records",
            "the metric recommended at least 2 replicas for 3.9s, 12.0s are needed",
            "http://198.18.0.2:31434/api/chat",
            "tokenizer: bert",
            "serviceAccountToken:\n  expirationSeconds: 3607",
            "Secret gpuhpa/application-collection does not exist",
            "time to first token p50 3532 ms",
        ];
        for text in said {
            assert_eq!(redact_patterns(text), text);
        }
    }
}
