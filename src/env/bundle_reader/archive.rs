//! Reads a bundle as one file: a tar archive, plain or compressed with zstd. Entries are read in order and never
//! unpacked. Extension entries with long names are read here, with a size limit: the tar crate would read them without
//! one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::{BundleReadError, FileIndex, MAX_TOTAL_BYTES, entry_name};

/// Most bytes of an extension entry: a long name and some timestamps.
const MAX_EXTENSION_BYTES: u64 = 16 * 1024;
/// Largest window of the decoder, as a power of two: that of `zstd -22`.
const MAX_WINDOW_LOG: u32 = 27;
/// zstd's magic number.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Compression of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TarCompression {
    Uncompressed,
    Zstd,
}

/// First bytes of an archive that show its compression: a block of tar.
pub(super) const HEAD_BYTES: u64 = 512;

/// The compression of the archive with these first bytes; `None` for what is no archive.
pub(super) fn compression_of(head: &[u8]) -> Option<TarCompression> {
    if head.starts_with(&ZSTD_MAGIC) {
        return Some(TarCompression::Zstd);
    }
    (head.get(257..262) == Some(b"ustar")).then_some(TarCompression::Uncompressed)
}

/// Detects the compression by the first bytes. What is only named like an archive is a damaged one.
pub(super) fn detect_compression(path: &Path) -> Result<TarCompression, BundleReadError> {
    let file = File::open(path).map_err(|e| BundleReadError::read_error(path, e))?;
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(|e| BundleReadError::read_error(path, e))?;
    compression_of(&head).ok_or_else(|| {
        let is_named_so = path.extension().is_some_and(|end| end == "tar" || end == "zst");
        match is_named_so {
            true => BundleReadError::invalid(path, "the archive is corrupt: it does not begin as one"),
            false => BundleReadError::NotABundle { path: path.display().to_string() },
        }
    })
}

/// Reads the entries in order. Every file is added to `index` before `read_file` is called with it.
pub(super) fn walk_files<E: From<BundleReadError>>(
    path: &Path,
    compression: TarCompression,
    index: &mut FileIndex,
    mut read_file: impl FnMut(&str, &mut dyn Read) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    // It was found and begins as an archive, so that it is no wrong path.
    let failed = |e: std::io::Error| BundleReadError::invalid(path, format!("the archive is corrupt: {e}"));
    let invalid = |reason: String| BundleReadError::invalid(path, reason);
    let mut archive = Archive::new(open_decompressed(path, compression)?);
    let mut long_name: Option<Vec<u8>> = None;
    for entry in archive.entries().map_err(failed)?.raw(true) {
        let mut entry = entry.map_err(failed)?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName | EntryType::XHeader => {
                let text = read_extension(&mut entry).map_err(invalid)?;
                long_name = if kind == EntryType::GNULongName {
                    Some(until_nul(text))
                } else {
                    parse_pax_name(&text).map_err(invalid)?
                };
                continue;
            }
            EntryType::XGlobalHeader => continue,
            _ => {}
        }
        let raw = long_name.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let name = entry_name::validate_name(&raw).map_err(invalid)?;
        match kind {
            EntryType::Directory => index.count_entry(name, 0).map_err(invalid)?,
            EntryType::Regular | EntryType::Continuous if !name.is_empty() => {
                index.add_file(name, entry.header().entry_size().map_err(failed)?).map_err(invalid)?;
                if read_file(name, &mut entry)?.is_break() {
                    return Ok(());
                }
            }
            _ => return Err(invalid(format!("`{name}` is not a regular file or directory")).into()),
        }
    }
    require_end(archive.into_inner()).map_err(failed)?;
    Ok(())
}

/// Fails where an archive goes on after its last entry. tar fills its last record with zeros.
fn require_end(mut rest: impl BufRead) -> std::io::Result<()> {
    loop {
        let bytes = rest.fill_buf()?;
        let length = match bytes {
            [] => return Ok(()),
            bytes if bytes.iter().any(|byte| *byte != 0) => {
                return Err(std::io::Error::other("it has bytes after its end"));
            }
            bytes => bytes.len(),
        };
        rest.consume(length);
    }
}

/// The decompressed bytes of the archive, limited to those of the largest bundle with its headers.
fn open_decompressed(
    path: &Path,
    compression: TarCompression,
) -> Result<BufReader<SizeLimitedReader<Box<dyn Read>>>, BundleReadError> {
    let mut file = File::open(path).map_err(|e| BundleReadError::read_error(path, e))?;
    file.rewind().map_err(|e| BundleReadError::read_error(path, e))?;
    let inner: Box<dyn Read> = match compression {
        TarCompression::Uncompressed => Box::new(file),
        TarCompression::Zstd => {
            let mut decoder = zstd::Decoder::new(file).map_err(|e| BundleReadError::read_error(path, e))?;
            decoder.window_log_max(MAX_WINDOW_LOG).map_err(|e| BundleReadError::read_error(path, e))?;
            Box::new(decoder)
        }
    };
    Ok(BufReader::with_capacity(
        128 * 1024,
        SizeLimitedReader { inner, bytes_left: MAX_TOTAL_BYTES + MAX_TOTAL_BYTES / 16 },
    ))
}

/// A reader that fails after a number of bytes.
struct SizeLimitedReader<R> {
    inner: R,
    bytes_left: u64,
}

impl<R: Read> Read for SizeLimitedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes_left = self
            .bytes_left
            .checked_sub(read as u64)
            .ok_or_else(|| std::io::Error::other(format!("decompresses to more than {MAX_TOTAL_BYTES} bytes")))?;
        Ok(read)
    }
}

fn read_extension(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = entry.take(MAX_EXTENSION_BYTES + 1).read_to_end(&mut text);
    read.map_err(|e| format!("the archive is corrupt: {e}"))?;
    if text.len() as u64 > MAX_EXTENSION_BYTES {
        return Err(format!("an extension entry has more than {MAX_EXTENSION_BYTES} bytes"));
    }
    Ok(text)
}

fn until_nul(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    text.truncate(end);
    text
}

/// The name in a pax extension. Records that would change how the entry is read are rejected.
fn parse_pax_name(text: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut name = None;
    for record in PaxExtensions::new(text) {
        let record = record.map_err(|e| format!("the archive is corrupt: {e}"))?;
        match record.key_bytes() {
            b"path" => name = Some(record.value_bytes().to_vec()),
            b"size" => return Err("pax size records are not supported".to_owned()),
            key if key.starts_with(b"GNU.sparse") => return Err("sparse files are not supported".to_owned()),
            _ => {}
        }
    }
    Ok(name)
}
