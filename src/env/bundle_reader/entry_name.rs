//! Names within a bundle: plain paths downwards, and nothing else.

/// Bytes of a path at most.
const MAX_NAME_BYTES: usize = 1024;
/// Folders below each other at most.
const MAX_DEPTH: usize = 8;

/// The path within the bundle, without `./` before it and `/` behind it; what is wrong with it otherwise.
pub(super) fn validate_name(raw: &[u8]) -> Result<&str, String> {
    let name = std::str::from_utf8(raw).map_err(|_| format!("the name `{}` is not UTF-8", printable_name(raw)))?;
    let wrong = |what: &str| Err(format!("the name `{}` {what}", printable_name(raw)));
    if name.len() > MAX_NAME_BYTES {
        return wrong("is too long");
    }
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return wrong("holds a control character or a backslash");
    }
    if name.starts_with('/') {
        return wrong("leads out of the bundle");
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
        return wrong("leads out of the bundle");
    }
    if parts.any(|part| part.is_empty() || part == ".") {
        return wrong("is not in its plain form");
    }
    if name.matches('/').count() >= MAX_DEPTH {
        return wrong("lies too deep");
    }
    Ok(name)
}

/// A name that may hold anything, cut and made safe to print.
fn printable_name(raw: &[u8]) -> String {
    let cut = &raw[..raw.len().min(80)];
    let text: String =
        String::from_utf8_lossy(cut).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if cut.len() < raw.len() { format!("{text}...") } else { text }
}

#[cfg(test)]
mod tests {
    use super::validate_name;

    #[test]
    fn plain_paths_downwards_are_names_and_all_others_are_not() {
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
        let told = validate_name(b"\xff\x1b[2J").unwrap_err();
        assert!(told.contains("not UTF-8") && !told.contains('\u{1b}'), "{told}");
    }
}
