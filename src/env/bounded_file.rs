//! Reads files that a stranger may have made: regular files alone, up to a size.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The text of a regular file of at most this size. The error has no path.
///
/// # Errors
/// It cannot be read, is no regular file, is too large, or is not UTF-8.
pub(crate) fn read_bounded_text(path: &Path, max_bytes: u64) -> Result<String, String> {
    // Before it is opened: that of a pipe waits for a writer.
    if !std::fs::metadata(path).map_err(|e| e.to_string())?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    read_at_most(File::open(path).map_err(|e| e.to_string())?, max_bytes)
}

/// The text of an open file, of which no more than this is read.
///
/// # Errors
/// It cannot be read, is too large, or is not UTF-8.
pub(crate) fn read_at_most(file: File, max_bytes: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > max_bytes {
        return Err(format!("it is larger than {max_bytes} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_and_one_that_is_too_large_are_not_read() {
        assert_eq!(read_bounded_text(Path::new("/dev/zero"), 10).unwrap_err(), "it is no regular file");
        assert_eq!(read_at_most(File::open("/dev/zero").unwrap(), 10).unwrap_err(), "it is larger than 10 bytes");
        let path = std::env::temp_dir().join(format!("gpuhpa-bounded-{}", std::process::id()));
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read_bounded_text(&path, 10).unwrap(), "0123456789");
        assert_eq!(read_bounded_text(&path, 9).unwrap_err(), "it is larger than 9 bytes");
        std::fs::remove_file(&path).unwrap();
    }
}
