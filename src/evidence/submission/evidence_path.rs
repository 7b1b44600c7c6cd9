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

/// Why an entry names no file of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EvidencePathError {
    Empty,
    /// It names the directory of another product or version.
    Foreign,
    /// It leads out of the product's directory, or to that directory itself.
    Outside,
}

/// Parses an entry.
///
/// # Errors
/// The entry is not a path in the product's directory.
pub(super) fn parse(entry: &str, version: &ProgramVersion) -> Result<EvidenceRef, EvidencePathError> {
    if entry.starts_with("http://") || entry.starts_with("https://") {
        return Ok(EvidenceRef::Url);
    }
    let link = entry.trim();
    let link = link.strip_prefix("file://").unwrap_or(link);
    let (path, fragment) = match link.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_owned())),
        None => (link, None),
    };
    let path = path.trim();
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Err(EvidencePathError::Empty);
    }
    let own = [version.label(), version.product_dir.clone()];
    let path = match path.strip_prefix(&format!("{}/", own.join("/"))) {
        Some(path) => path,
        None if names_product_dir(path) => return Err(EvidencePathError::Foreign),
        None => path,
    };
    // `..` is resolved as text, from the clone's root on, before any link is followed.
    let mut parts: Vec<&str> = own.iter().map(String::as_str).collect();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    match parts.split_at_checked(own.len()) {
        Some((dir, inside)) if dir == own && !inside.is_empty() => {
            Ok(EvidenceRef::File { path: inside.join("/"), fragment: fragment.filter(|name| !name.is_empty()) })
        }
        _ => Err(EvidencePathError::Outside),
    }
}

/// Whether a path begins with `vX.Y/<dir>/`.
fn names_product_dir(path: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = path.splitn(3, '/');
    let version = parts.next().and_then(|part| part.strip_prefix('v')).and_then(|part| part.split_once('.'));
    let has_dir = parts.next().is_some_and(|dir| !dir.is_empty()) && parts.next().is_some();
    has_dir && version.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(entry: &str) -> Result<EvidenceRef, EvidencePathError> {
        parse(entry, &ProgramVersion::from_product_dir(Path::new("v1.37/acme")).unwrap())
    }

    #[test]
    fn a_file_can_be_named_in_many_ways_and_a_fragment_starts_at_the_first_hash() {
        for entry in [
            "a/junit.xml",
            "/a//./junit.xml",
            "file://a/junit.xml",
            " file://v1.37/acme/a/junit.xml",
            "file:///v1.37/acme/a/junit.xml",
            "v1.37/acme/a/b/../junit.xml",
            "../../v1.37/acme/a/junit.xml",
        ] {
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
        use EvidencePathError::{Empty, Foreign, Outside};
        for (entry, error) in [
            ("../x", Outside),
            ("a/../../x", Outside),
            ("", Empty),
            (".", Outside),
            ("#T", Empty),
            ("file:// ", Empty),
            ("file://v1.36/acme/x", Foreign),
            ("file:///v1.37/other/x", Foreign),
            ("v1.37/../x", Foreign),
            ("file://v1.37/acme/../x", Outside),
            ("../../../clone/v1.37/acme/x", Outside),
        ] {
            assert_eq!(read(entry), Err(error), "{entry}");
        }
    }
}
