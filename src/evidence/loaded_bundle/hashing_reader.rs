//! A reader that computes the digest of a file while it is parsed, and the text of a parse error.

use std::io::Read;

use sha2::{Digest, Sha256};

use crate::model::manifest::to_hex;

/// Computes the sha256 of every byte that is read through it.
pub(super) struct HashingReader<'a> {
    inner: &'a mut dyn Read,
    digest: Sha256,
}

impl<'a> HashingReader<'a> {
    pub(super) fn new(inner: &'a mut dyn Read) -> Self {
        Self { inner, digest: Sha256::new() }
    }

    /// Reads the rest, and returns the digest of the whole file, hexadecimal.
    pub(super) fn finish(mut self) -> std::io::Result<String> {
        std::io::copy(&mut self, &mut std::io::sink())?;
        Ok(to_hex(&self.digest.finalize()))
    }
}

impl Read for HashingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

/// The message of a JSON error: without its place, which the caller prints first, and of bounded length.
pub(super) fn describe_json_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let safe: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect();
    if safe.len() < text.len() { format!("{safe}...") } else { safe }
}
