//! The bytes of a file on their way: their digest, and the words for what is wrong with them.

use std::io::Read;

use sha2::{Digest, Sha256};

/// A reader that takes the digest of all that passes.
pub(super) struct HashingReader<'a> {
    inner: &'a mut dyn Read,
    digest: Sha256,
}

impl<'a> HashingReader<'a> {
    pub(super) fn new(inner: &'a mut dyn Read) -> Self {
        Self { inner, digest: Sha256::new() }
    }

    /// Reads what is left, and gives the digest of the whole, hexadecimal.
    pub(super) fn finish(mut self) -> std::io::Result<String> {
        std::io::copy(&mut self, &mut std::io::sink())?;
        Ok(crate::evidence::manifest::hexadecimal(&self.digest.finalize()))
    }
}

impl Read for HashingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

/// What is wrong with JSON, without the place, which is told before it, and without text that has no end.
pub(super) fn describe_json_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let safe: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect();
    if safe.len() < text.len() { format!("{safe}...") } else { safe }
}
