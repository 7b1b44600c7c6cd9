//! A digest of a part of an object: shows that it stayed the same. Not comparable with digests of other tools, since
//! fields that k8s-openapi does not know are not in it.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// sha256 of the value's JSON, hexadecimal; the fields stand in the order of the type, maps in that of their keys.
pub(super) fn digest(value: &impl Serialize) -> String {
    // These types always become JSON; were one not to, the empty digest would differ from every other.
    let Ok(json) = serde_json::to_vec(value) else { return String::new() };
    Sha256::digest(&json).iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
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
