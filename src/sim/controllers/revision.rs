//! The names of what controllers make: the hash of a pod template, and suffixes by chance.

use serde_json::Value;

use crate::sim::cluster::Cluster;

/// The letters of generated names: no vowels, so that no words come about (k8s.io/apimachinery, pkg/util/rand).
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a pod template, as it stands in names: FNV-1a of its JSON, its digits as letters.
pub(super) fn hash(template: &Value) -> String {
    let bytes = template.to_string();
    let number = bytes.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    number.to_string().bytes().map(letter).collect()
}

/// Five letters by chance.
pub(super) fn suffix(cluster: &Cluster) -> String {
    (0..5).map(|_| letter(u8::try_from(cluster.chance(27)).unwrap_or(0))).collect()
}

fn letter(number: u8) -> char {
    char::from(LETTERS[usize::from(number) % LETTERS.len()])
}
