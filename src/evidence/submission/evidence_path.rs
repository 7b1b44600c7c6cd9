//! What an `evidence` entry points at, by the validator's rules.

use super::ProgramVersion;

/// One entry of `evidence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EvidenceRef {
    /// A page, which the validator asks for.
    Url,
    /// A file within the product's folder, and the test that is named behind `#`.
    File {
        /// Path within the folder.
        path: String,
        /// The test.
        fragment: Option<String>,
    },
}

/// Reads an entry; what is wrong with it otherwise.
pub(super) fn parse(entry: &str, edition: &ProgramVersion) -> Result<EvidenceRef, String> {
    if entry.starts_with("http://") || entry.starts_with("https://") {
        return Ok(EvidenceRef::Url);
    }
    let (path, fragment) = match entry.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_owned())),
        None => (entry, None),
    };
    let path = match path.strip_prefix("file://") {
        Some(path) => strip_product_dir(path, edition)?,
        None => path,
    };
    let wrong = |what: &str| Err(format!("`{entry}` {what}"));
    if path.starts_with('/') {
        return wrong("is an absolute path");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() {
        return wrong("names no file");
    }
    if parts.contains(&"..") {
        return wrong("leads out of the product's folder");
    }
    Ok(EvidenceRef::File { path: parts.join("/"), fragment: fragment.filter(|name| !name.is_empty()) })
}

/// The path behind `file://`, without the product's own `vX.Y/<dir>/`.
fn strip_product_dir<'a>(path: &'a str, edition: &ProgramVersion) -> Result<&'a str, String> {
    let relative = path.strip_prefix('/').unwrap_or(path);
    let mut parts = relative.splitn(3, '/');
    let (first, second, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let is_version =
        first.strip_prefix('v').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()) && v.contains('.'));
    if !is_version {
        return Ok(path);
    }
    match (second, rest) {
        (Some(product), Some(rest)) if first == edition.label() && product == edition.product_dir => Ok(rest),
        _ => Err(format!("`file://{path}` is not of {}/{}", edition.label(), edition.product_dir)),
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
    fn four_ways_lead_to_a_file_and_a_fragment_is_cut_at_the_first_mark() {
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
    fn what_leads_elsewhere_is_refused() {
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
