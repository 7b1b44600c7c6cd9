//! Texts that are secrets by their form, wherever they stand.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands in a secret's place.
pub(super) const REDACTED: &str = "REDACTED";

/// X
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

/// The forms, ready. They are constants, so that one which does not compile shows in every test.
static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|form| Regex::new(form).ok()).collect());

/// The text without what has the form of a secret.
pub(super) fn redact_patterns(text: &str) -> Cow<'_, str> {
    let mut kept = Cow::Borrowed(text);
    for form in COMPILED.iter() {
        if form.is_match(&kept) {
            let part = |found: &Captures<'_>, name| found.name(name).map_or("", |part| part.as_str()).to_owned();
            let with = |found: &Captures<'_>| format!("{}{REDACTED}{}", part(found, "keep"), part(found, "then"));
            kept = form.replace_all(&kept, with).into_owned().into();
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn secrets_go_and_what_announces_them_stays() {
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
        for (text, kept) in cases {
            assert_eq!(redact_patterns(&text), kept, "{text}");
            assert_eq!(redact_patterns(kept), kept, "what was covered once stays as it is");
        }
    }

    #[test]
    fn what_a_run_says_is_no_secret() {
        let said = [
            "first chat: 64 tokens",
            "no right to get of secrets in namespace gpuhpa, to read helm's records",
            "the metric asked for at least 2 replicas for 3.9s on end, of the 12.0s that are needed",
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
