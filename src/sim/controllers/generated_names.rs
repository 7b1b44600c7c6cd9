//! Generated names: template hashes and random suffixes.

use serde_json::Value;

use crate::sim::cluster::SimCluster;

/// The letters of generated names: no vowels, so that they form no words (k8s.io/apimachinery, pkg/util/rand).
const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Returns the hash of a pod template for names: FNV-1a of its JSON, with its digits as letters.
pub(super) fn template_hash(template: &Value) -> String {
    let bytes = template.to_string();
    let number = bytes.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    number.to_string().bytes().map(name_letter).collect()
}

/// Returns five random letters.
pub(super) fn random_suffix(cluster: &SimCluster) -> String {
    (0..5).map(|_| name_letter(u8::try_from(cluster.random_below(27)).unwrap_or(0))).collect()
}

fn name_letter(number: u8) -> char {
    char::from(NAME_LETTERS[usize::from(number) % NAME_LETTERS.len()])
}
