//! A version of the programme, as the product's folder names it: `v1.37/<dir>`.

use std::path::Path;

/// Since this version the checklist asks for artifacts of automated tests.
const ARTIFACTS_SINCE: (u32, u32) = (1, 37);
/// The oldest checklist.
const FIRST_VERSION: (u32, u32) = (1, 33);

/// A version of the programme, and the product's folder in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramVersion {
    /// Major and minor.
    version: (u32, u32),
    /// Name of the product's folder.
    pub product_dir: String,
}

impl ProgramVersion {
    /// The edition that a folder belongs to, by the last two parts of its path.
    ///
    /// # Errors
    /// The path does not end in `vX.Y/<dir>`, or the programme had no checklist then.
    pub fn from_product_dir(dir: &Path) -> Result<Self, String> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let wrong = || format!("{}: a product's folder is vX.Y/<dir>, for example v1.37/acme", dir.display());
        let product = name(dir).ok_or_else(wrong)?;
        let parent = dir.parent().and_then(name).ok_or_else(wrong)?;
        let version = version(&parent).ok_or_else(wrong)?;
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
    pub fn label(&self) -> String {
        format!("v{}.{}", self.version.0, self.version.1)
    }

    /// The checklist of this version cites artifacts of tests; older ones cite Markdown and text.
    #[must_use]
    pub fn has_test_artifacts(&self) -> bool {
        self.version >= ARTIFACTS_SINCE
    }

    /// Whether a Kubernetes version, for example `v1.37.2`, is of this edition.
    #[must_use]
    pub fn is_for_kubernetes(&self, kubernetes: &str) -> bool {
        version(kubernetes) == Some(self.version)
    }

    /// The name under which an artifact is written. The validator parses any file with a canonical name whatever the
    /// version, so an older edition gets its text under another one.
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
    fn the_product_folder_names_the_version() {
        let edition = ProgramVersion::from_product_dir(Path::new("/clone/v1.37/acme")).unwrap();
        assert_eq!((edition.label().as_str(), edition.product_dir.as_str()), ("v1.37", "acme"));
        assert!(edition.has_test_artifacts() && edition.artifact_name("junit.xml") == Some("junit.xml"));
        let older = ProgramVersion::from_product_dir(Path::new("v1.36/acme")).unwrap();
        assert!(!older.has_test_artifacts());
        assert_eq!(
            ["junit.xml", "results.json", "e2e.log"].map(|name| older.artifact_name(name)),
            [None, None, Some("e2e-results.txt")]
        );
        for wrong in ["acme", "v1.37", "/", "v1/acme", "1.37/acme", "vx.y/acme", "v1.+7/acme", "v1.32/acme", "v1.37/.."]
        {
            assert!(ProgramVersion::from_product_dir(Path::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cluster_matches_one_program_version() {
        let edition = ProgramVersion::from_product_dir(Path::new("v1.37/acme")).unwrap();
        for (kubernetes, is_of) in [
            ("v1.37.2", true),
            ("v1.37.2-gke.1", true),
            ("v1.37+", true),
            ("v1.36.9", false),
            ("", false),
            ("1.37", false),
        ] {
            assert_eq!(edition.is_for_kubernetes(kubernetes), is_of, "{kubernetes}");
        }
    }
}
