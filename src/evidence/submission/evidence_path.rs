//! Parses an `evidence` entry by the validator's rules.

use super::ProgramVersion;

/// One entry of `evidence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EvidenceRef {
    /// A page, which the validator fetches.
    Url,
    /// A file in the product's directory, and the test named after `#`.
    File {
        /// Path in the directory.
        path: String,
        /// The test.
        fragment: Option<String>,
    },
}

/// Parses an entry.
///
/// # Errors
/// The entry is not a path in the product's directory.
pub(super) fn parse(entry: &str, version: &ProgramVersion) -> Result<EvidenceRef, String> {
    if entry.starts_with("http://") || entry.starts_with("https://") {
        return Ok(EvidenceRef::Url);
    }
    let (path, fragment) = match entry.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_owned())),
        None => (entry, None),
    };
    let path = match path.strip_prefix("file://") {
        Some(path) => strip_product_dir(path, version)?,
        None => path,
    };
    let error = |reason: &str| Err(format!("`{entry}` {reason}"));
    if path.starts_with('/') {
        return error("is an absolute path");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() {
        return error("does not name a file");
    }
    if parts.contains(&"..") {
        return error("escapes the product's directory");
    }
    Ok(EvidenceRef::File { path: parts.join("/"), fragment: fragment.filter(|name| !name.is_empty()) })
}

/// The path after `file://`, without the product's own `vX.Y/<dir>/`.
fn strip_product_dir<'a>(path: &'a str, version: &ProgramVersion) -> Result<&'a str, String> {
    let relative = path.strip_prefix('/').unwrap_or(path);
    let mut parts = relative.splitn(3, '/');
    let (first, second, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let is_version =
        first.strip_prefix('v').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()) && v.contains('.'));
    if !is_version {
        return Ok(path);
    }
    match (second, rest) {
        (Some(product), Some(rest)) if first == version.label() && product == version.product_dir => Ok(rest),
        _ => Err(format!("`file://{path}` is not in {}/{}", version.label(), version.product_dir)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(entry: &str) -> Result<EvidenceRef, String> {
        parse(entry, &ProgramVersion::from_product_dir(Path::new("v1.37/acme")).unwrap())
    }

    #[test]
    fn a_file_can_be_named_in_four_ways_and_a_fragment_starts_at_the_first_hash() {
        for entry in
            ["a/junit.xml", "file://a/junit.xml", "file://v1.37/acme/a/junit.xml", "file:///v1.37/acme/a/junit.xml"]
        {
            let file = |fragment: Option<&str>| {
                Ok(EvidenceRef::File { path: "a/junit.xml".to_owned(), fragment: fragment.map(ToOwned::to_owned) })
            };
            assert_eq!(read(entry), file(None), "{entry}");
            assert_eq!(read(&format!("{entry}#T/a#b")), file(Some("T/a#b")), "{entry}");
        }
        assert_eq!(read("https://x.example/#a"), Ok(EvidenceRef::Url));
    }

    #[test]
    fn a_path_outside_the_product_directory_is_rejected() {
        for entry in [
            "../x",
            "a/../../x",
            "",
            ".",
            "#T",
            "file://",
            "file://#T",
            "/etc/passwd",
            "file:///etc/passwd",
            "file://v1.36/acme/x",
            "file:///v1.37/other/x",
            "file://v1.37/acme",
            "file://v1.37/acme/../x",
            "./",
        ] {
            assert!(read(entry).is_err(), "{entry}");
        }
    }
}
