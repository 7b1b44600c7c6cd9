//! The files against the manifest.

use super::BundleCheck;
use crate::evidence::{self, LoadedBundle};

/// Checks that the run finished.
pub(super) fn check_complete(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    if !held.manifest.complete {
        differences.push("the bundle is incomplete: the run did not finish, so there are no digests".to_owned());
    }
    if held.manifest.complete && held.verdict.is_none() {
        differences.push("verdict.json is missing".to_owned());
    }
    let summary = match held.records().interrupted_by() {
        Some(signal) => format!("the run was interrupted by {signal}, and wrote its records to their end"),
        None => "the run finished".to_owned(),
    };
    BundleCheck::new("complete", summary, differences)
}

/// Compares the files with the manifest: names and digests.
pub(super) fn check_digests(held: &LoadedBundle) -> BundleCheck {
    let (listed, found) = (&held.manifest.files, &held.digests);
    let mut differences = Vec::new();
    if held.manifest.complete {
        for (name, digest) in listed {
            match found.get(name) {
                None => differences.push(format!("{name} is in the manifest but missing")),
                Some(other) if other != digest => {
                    differences
                        .push(format!("{name} was altered: its sha256 is {other}, and the manifest has {digest}"));
                }
                Some(_) => {}
            }
        }
        // The signature is made of the manifest, so the manifest cannot name it.
        let strangers = found.keys().filter(|name| !listed.contains_key(*name) && *name != evidence::SIGNATURE_FILE);
        differences.extend(strangers.map(|name| format!("{name} is not in the manifest")));
    }
    let unknown = found.keys().filter(|name| !evidence::is_bundle_file(name));
    differences.extend(unknown.map(|name| format!("{name} is no file that gpuhpa writes")));
    // The manifest has no digest of its own: it has one form.
    let form = evidence::manifest_json(&held.manifest).unwrap_or_default();
    if held.raw_files.get("manifest.json").is_none_or(|text| *text != form.as_bytes()) {
        differences.push("manifest.json was altered: it is not in the form that gpuhpa writes".to_owned());
    }
    // Without a key, a signature is still known to be that of another manifest, or none.
    let manifest = held.raw_files.get("manifest.json").map(Vec::as_slice).unwrap_or_default();
    let signature = held.raw_files.get(evidence::SIGNATURE_FILE);
    let unreadable = signature.and_then(|envelope| evidence::read_unverified(manifest, envelope).err());
    differences.extend(unreadable.map(|error| error.to_string()));
    BundleCheck::new("digests", format!("compared {} files with the manifest", listed.len()), differences)
}
