//! A version of the programme, by the path of the product's directory: `v1.37/<dir>`.

use std::path::Path;

/// The first version whose checklist requires artifacts of automated tests.
const ARTIFACTS_SINCE: (u32, u32) = (1, 37);
/// The first version with a checklist.
const FIRST_VERSION: (u32, u32) = (1, 33);

/// A version of the programme, and the product's directory in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramVersion {
    /// Major and minor.
    version: (u32, u32),
    /// Name of the product's directory.
    pub(crate) product_dir: String,
}

impl ProgramVersion {
    /// Parses the last two parts of the directory's path.
    ///
    /// # Errors
    /// The path does not end in `vX.Y/<dir>`, or that version has no checklist.
    pub(crate) fn from_product_dir(dir: &Path) -> Result<Self, String> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let error = || format!("{}: a product's directory is vX.Y/<dir>, for example v1.37/acme", dir.display());
        let product = name(dir).ok_or_else(error)?;
        let parent = dir.parent().and_then(name).ok_or_else(error)?;
        let version = version(&parent).ok_or_else(error)?;
        if version < FIRST_VERSION {
            return Err(format!(
                "{}: the programme's first checklist is v{}.{}",
                dir.display(),
                FIRST_VERSION.0,
                FIRST_VERSION.1
            ));
        }
        Ok(Self { version, product_dir: product })
    }

    /// `v1.37`.
    #[must_use]
    pub(crate) fn label(&self) -> String {
        format!("v{}.{}", self.version.0, self.version.1)
    }

    /// Whether evidence is artifacts of tests; in older versions it is Markdown and text.
    #[must_use]
    pub(crate) fn has_test_artifacts(&self) -> bool {
        self.version >= ARTIFACTS_SINCE
    }

    /// Whether the version is in this range, both ends included.
    #[must_use]
    pub(super) fn is_between(&self, first: (u32, u32), last: (u32, u32)) -> bool {
        (first..=last).contains(&self.version)
    }

    /// Whether a Kubernetes version, for example `v1.37.2`, belongs to this version of the programme.
    #[must_use]
    pub(crate) fn is_for_kubernetes(&self, kubernetes: &str) -> bool {
        version(kubernetes) == Some(self.version)
    }

    /// File name of an artifact. The validator parses files with a canonical name for every version, so an older version gets
    /// the log under another name.
    pub(super) fn artifact_name(&self, name: &'static str) -> Option<&'static str> {
        match name {
            _ if self.has_test_artifacts() => Some(name),
            "e2e.log" => Some("e2e-results.txt"),
            _ => None,
        }
    }
}

/// Major and minor of `v1.37`, `v1.37.2` or `v1.37.2-gke.1`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.splitn(3, '.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let digits = |text: &str| if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    Some((digits(major)?, digits(minor.trim_end_matches('+'))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_directory_names_the_version() {
        let version = ProgramVersion::from_product_dir(Path::new("/clone/v1.37/acme")).unwrap();
        assert_eq!((version.label().as_str(), version.product_dir.as_str()), ("v1.37", "acme"));
        assert!(version.has_test_artifacts() && version.artifact_name("junit.xml") == Some("junit.xml"));
        let older = ProgramVersion::from_product_dir(Path::new("v1.36/acme")).unwrap();
        assert!(!older.has_test_artifacts());
        assert_eq!(
            ["junit.xml", "results.json", "e2e.log"].map(|name| older.artifact_name(name)),
            [None, None, Some("e2e-results.txt")]
        );
        for invalid in
            ["acme", "v1.37", "/", "v1/acme", "1.37/acme", "vx.y/acme", "v1.+7/acme", "v1.32/acme", "v1.37/.."]
        {
            assert!(ProgramVersion::from_product_dir(Path::new(invalid)).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_cluster_matches_one_program_version() {
        let version = ProgramVersion::from_product_dir(Path::new("v1.37/acme")).unwrap();
        for (kubernetes, is_of) in [
            ("v1.37.2", true),
            ("v1.37.2-gke.1", true),
            ("v1.37+", true),
            ("v1.36.9", false),
            ("", false),
            ("1.37", false),
        ] {
            assert_eq!(version.is_for_kubernetes(kubernetes), is_of, "{kubernetes}");
        }
    }
}
