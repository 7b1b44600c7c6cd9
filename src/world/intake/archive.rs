//! A bundle as one file: a tar, plain or compressed by zstd. Entries are read in their order and never unpacked. The
//! extensions that carry long names are read here, within bounds: the tar crate would read them whole.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::{IntakeError, MAX_ALL, Seen, name};

/// Bytes of an extension before an entry at most: a long name and some times.
const MAX_EXTENSION: u64 = 16 * 1024;
/// The window that a decoder keeps, as a power of two: what `zstd -22` asks for, and no more.
const MAX_WINDOW_LOG: u32 = 27;
/// zstd's magic number.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How the entries are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Zstd,
}

/// What kind of archive lies there, by its first bytes.
pub(super) fn packing(path: &Path) -> Result<Packing, IntakeError> {
    let file = File::open(path).map_err(|e| IntakeError::read(path, e))?;
    let mut head = Vec::new();
    file.take(512).read_to_end(&mut head).map_err(|e| IntakeError::read(path, e))?;
    if head.starts_with(&ZSTD) {
        Ok(Packing::Zstd)
    } else if head.get(257..262) == Some(b"ustar") {
        Ok(Packing::Plain)
    } else {
        Err(IntakeError::Neither { path: path.display().to_string() })
    }
}

/// Reads the entries in turn. Every file is noted in `seen` before `take` is given it.
pub(super) fn walk<E: From<IntakeError>>(
    path: &Path,
    packing: Packing,
    seen: &mut Seen,
    mut take: impl FnMut(&str, &mut dyn Read) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let failed = |e: std::io::Error| IntakeError::read(path, format!("the archive is damaged: {e}"));
    let refused = |what: String| IntakeError::refused(path, what);
    let mut archive = Archive::new(unpacked(path, packing)?);
    let mut long: Option<Vec<u8>> = None;
    for entry in archive.entries().map_err(failed)?.raw(true) {
        let mut entry = entry.map_err(failed)?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName | EntryType::XHeader => {
                let text = extension(&mut entry).map_err(refused)?;
                long = if kind == EntryType::GNULongName {
                    Some(c_string(text))
                } else {
                    pax_name(&text).map_err(refused)?
                };
                continue;
            }
            EntryType::XGlobalHeader => continue,
            _ => {}
        }
        let raw = long.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let name = name::checked(&raw).map_err(refused)?;
        match kind {
            EntryType::Directory => seen.count(name, 0).map_err(refused)?,
            EntryType::Regular | EntryType::Continuous if !name.is_empty() => {
                seen.file(name, entry.header().entry_size().map_err(failed)?).map_err(refused)?;
                if take(name, &mut entry)?.is_break() {
                    return Ok(());
                }
            }
            _ => return Err(refused(format!("`{name}` is a link or a special file")).into()),
        }
    }
    Ok(())
}

/// The bytes of the archive, unpacked, and not more of them than a bundle may hold with its headers.
fn unpacked(path: &Path, packing: Packing) -> Result<BufReader<Bounded<Box<dyn Read>>>, IntakeError> {
    let mut file = File::open(path).map_err(|e| IntakeError::read(path, e))?;
    file.rewind().map_err(|e| IntakeError::read(path, e))?;
    let inner: Box<dyn Read> = match packing {
        Packing::Plain => Box::new(file),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::new(file).map_err(|e| IntakeError::read(path, e))?;
            decoder.window_log_max(MAX_WINDOW_LOG).map_err(|e| IntakeError::read(path, e))?;
            Box::new(decoder)
        }
    };
    Ok(BufReader::with_capacity(128 * 1024, Bounded { inner, left: MAX_ALL + MAX_ALL / 16 }))
}

/// A reader that ends in an error instead of giving more than it may.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            std::io::Error::other(format!("it unpacks to more than the {MAX_ALL} bytes that a bundle may hold"))
        })?;
        Ok(read)
    }
}

fn extension(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = entry.take(MAX_EXTENSION + 1).read_to_end(&mut text);
    read.map_err(|e| format!("the archive is damaged: {e}"))?;
    if text.len() as u64 > MAX_EXTENSION {
        return Err(format!("an extension before an entry holds more than {MAX_EXTENSION} bytes"));
    }
    Ok(text)
}

fn c_string(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    text.truncate(end);
    text
}

/// The name that a pax extension gives; one that would change what is read of the entry is refused.
fn pax_name(text: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut name = None;
    for record in PaxExtensions::new(text) {
        let record = record.map_err(|e| format!("the archive is damaged: {e}"))?;
        match record.key_bytes() {
            b"path" => name = Some(record.value_bytes().to_vec()),
            b"size" => return Err("an entry has its size in an extension".to_owned()),
            key if key.starts_with(b"GNU.sparse") => return Err("it holds a sparse file".to_owned()),
            _ => {}
        }
    }
    Ok(name)
}
