//! An archive from stdin, copied to a temporary file: it is read several times.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::archive::{HEAD_BYTES, compression_of};
use super::{BundleReadError, MAX_TOTAL_BYTES};

/// Its name in messages.
const NAME: &str = "stdin";
/// Most bytes of an archive: those of the largest bundle with its headers.
const MAX_ARCHIVE_BYTES: u64 = MAX_TOTAL_BYTES + MAX_TOTAL_BYTES / 16;

/// A temporary file, removed on drop.
#[derive(Debug)]
pub(super) struct SpooledArchive(PathBuf);

impl SpooledArchive {
    /// Copies an archive. Its first bytes are looked at before anything is written: a device has no end.
    pub(super) fn copy_from(mut input: impl Read) -> Result<Self, BundleReadError> {
        let failed = |e: io::Error| BundleReadError::read_error(Path::new(NAME), e);
        let mut head = Vec::new();
        input.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(failed)?;
        if compression_of(&head).is_none() {
            return Err(BundleReadError::NotABundle { path: NAME.to_owned() });
        }
        let (spooled, mut file) = Self::create().map_err(failed)?;
        let rest = MAX_ARCHIVE_BYTES + 1 - head.len() as u64;
        file.write_all(&head).map_err(failed)?;
        let copied = io::copy(&mut input.take(rest), &mut file).map_err(failed)?;
        if copied == rest {
            let reason = format!("has more than {MAX_ARCHIVE_BYTES} bytes");
            return Err(BundleReadError::invalid(Path::new(NAME), reason));
        }
        Ok(spooled)
    }

    /// A new file that only its owner can read: evidence is not everybody's.
    fn create() -> io::Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("gpuhpa-stdin-{}-{number}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok((Self(path), file))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SpooledArchive {
    fn drop(&mut self) {
        // Nothing can be done about a file that stays.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_refused_without_being_read_to_its_end() {
        for input in [io::repeat(0).take(u64::MAX), io::repeat(b'x').take(10), io::repeat(0).take(0)] {
            let error = SpooledArchive::copy_from(input).unwrap_err().to_string();
            assert_eq!(error, "stdin is neither a directory nor a .tar or .tar.zst archive");
        }
    }

    #[test]
    fn an_archive_is_copied_whole_and_its_copy_removed() {
        let bytes = zstd::encode_all(&[7_u8; 5000][..], 3).unwrap();
        let spooled = SpooledArchive::copy_from(&bytes[..]).unwrap();
        let path = spooled.path().to_owned();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        drop(spooled);
        assert!(!path.exists());
    }
}
