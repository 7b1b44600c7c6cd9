//! The files of a bundle against its manifest.

use gpuhpa::evidence::LoadedBundle;

use crate::findings::Findings;

/// Compares names and digests.
pub(crate) fn check_manifest(bundle: &LoadedBundle, findings: &mut Findings) {
    let (manifest, found) = (&bundle.manifest, &bundle.digests);
    findings.expect(manifest.complete, || "the manifest does not say that the bundle is complete".to_owned());
    for name in found.keys().filter(|name| !manifest.files.contains_key(*name)) {
        findings.differences.push(format!("{name} is not in the manifest"));
    }
    for (name, digest) in &manifest.files {
        match found.get(name) {
            None => findings.differences.push(format!("{name} is in the manifest but missing")),
            Some(other) => findings.expect(other == digest, || format!("{name} has another digest in the manifest")),
        }
    }
}
