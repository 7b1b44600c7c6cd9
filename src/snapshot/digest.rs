//! Digests a part of an object, to show that it has not changed. Not comparable with digests of other tools, because
//! fields that k8s-openapi does not know are left out.

use serde::Serialize;

use crate::model::manifest::sha256_hex;

/// sha256 of the value's JSON, hexadecimal; fields in the order of the type, maps in the order of their keys.
pub(super) fn digest(value: &impl Serialize) -> String {
    // These types always serialize; if one did not, the empty digest would differ from every other.
    let Ok(json) = serde_json::to_vec(value) else { return String::new() };
    sha256_hex(&json)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_is_sha256_of_the_json() {
        assert_eq!(
            super::digest(&"a"),
            // printf '"a"' | sha256sum
            "ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c"
        );
    }
}
