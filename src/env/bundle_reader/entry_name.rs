//! Validates the names within a bundle: only normalized relative paths are allowed.

use crate::env::sanitize_text;

/// Most bytes of a path.
const MAX_NAME_BYTES: usize = 1024;
/// Most characters of an invalid name in a message.
const MAX_PRINTED_CHARS: usize = 80;
/// Most nested directories.
const MAX_DEPTH: usize = 8;

/// The path within the bundle, without a leading `./` and a trailing `/`. Fails with a description of what is wrong.
pub(super) fn validate_name(raw: &[u8]) -> Result<&str, String> {
    let name = std::str::from_utf8(raw).map_err(|_| format!("the name `{}` is not UTF-8", printable_name(raw)))?;
    let wrong = |reason: &str| Err(format!("the name `{}` {reason}", printable_name(raw)));
    if name.len() > MAX_NAME_BYTES {
        return wrong("is too long");
    }
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return wrong("contains a control character or a backslash");
    }
    if name.starts_with('/') {
        return wrong("escapes the bundle directory");
    }
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    let name = if name == "." { "" } else { name.strip_suffix('/').unwrap_or(name) };
    let mut parts = name.split('/');
    if name.is_empty() {
        return Ok(name);
    }
    if parts.clone().any(|part| part == "..") {
        return wrong("escapes the bundle directory");
    }
    if parts.any(|part| part.is_empty() || part == ".") {
        return wrong("is not normalized");
    }
    if name.matches('/').count() >= MAX_DEPTH {
        return wrong("is nested too deeply");
    }
    Ok(name)
}

fn printable_name(raw: &[u8]) -> String {
    sanitize_text(&String::from_utf8_lossy(raw), MAX_PRINTED_CHARS)
}

#[cfg(test)]
mod tests {
    use super::validate_name;

    #[test]
    fn only_relative_paths_without_dot_segments_are_valid() {
        for (raw, name) in
            [("a", "a"), ("./a/b.c", "a/b.c"), ("././a/", "a"), ("./", ""), (".", ""), ("..a/b..", "..a/b..")]
        {
            assert_eq!(validate_name(raw.as_bytes()), Ok(name), "{raw}");
        }
        let long = "x".repeat(1025);
        let deep = "a/".repeat(8) + "b";
        for raw in
            ["/etc/passwd", "..", "../a", "a/../../b", "a//b", "a/./b", "a\\b", "a\nb", "a\0", &long, &deep, "//"]
        {
            assert!(validate_name(raw.as_bytes()).is_err(), "{raw}");
        }
        let error = validate_name(b"\xff\x1b[2J").unwrap_err();
        assert!(error.contains("not UTF-8") && !error.contains('\u{1b}'), "{error}");
    }
}
