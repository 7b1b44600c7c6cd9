//! Uids of simulated objects. Half of such a uid is a digest of its other half, so that the records of a rehearsal are known by
//! their uids, also where the stamp was taken out of every file. An API server's uids are random: one of 2^60 looks like these.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of the random half.
const RANDOM_DIGITS: usize = 15;

/// The uid of a simulated object, from 60 random bits. It has the form of a random UUID (RFC 9562, version 4).
#[must_use]
pub(crate) fn simulated_uid(random: u64) -> String {
    let random = format!("{:015x}", random >> 4);
    let digest = super::manifest::to_hex(&Sha256::digest(format!("gpuhpa rehearsal {random}").as_bytes()));
    format!("{}-{}-4{}-a{}-{}", &random[..8], &random[8..12], &random[12..], &digest[..3], &digest[3..15])
}

/// True for a uid that [`simulated_uid`] makes.
#[must_use]
pub(crate) fn is_simulated_uid(uid: &str) -> bool {
    // The digit after the second hyphen is the version.
    let digits = uid.char_indices().filter(|(at, digit)| *digit != '-' && *at != 14).map(|(_, digit)| digit);
    let random: String = digits.take(RANDOM_DIGITS).collect();
    u64::from_str_radix(&random, 16).is_ok_and(|random| simulated_uid(random << 4) == uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_uid_is_known_and_no_other_is() {
        for random in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let uid = simulated_uid(random);
            assert!(is_simulated_uid(&uid) && uid.len() == 36, "{uid}");
            let digit = if uid.ends_with('0') { "1" } else { "0" };
            assert!(!is_simulated_uid(&format!("{}{digit}", &uid[..35])), "{uid}");
        }
        for uid in ["ae291cef-2a12-4fbf-a6cc-6d6bad22e1ca", "", "a", "é1234567-1234-4123-a123-123456789012"] {
            assert!(!is_simulated_uid(uid), "{uid}");
        }
    }
}
