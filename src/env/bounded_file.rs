//! Reads files that a stranger may have made, or of which a user gave a path: up to a size, and in bounded time.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Longest time until a pipe is written and closed: a command may write it (`-f <(...)`).
const PIPE_TIMEOUT: Duration = Duration::from_secs(10);

/// The text of a regular file of at most this size. The error has no path.
///
/// # Errors
/// It cannot be read, is no regular file, is too large, or is not UTF-8.
pub(crate) fn read_bounded_text(path: &Path, max_bytes: u64) -> Result<String, String> {
    into_text(read_regular_file(path, max_bytes)?)
}

/// A regular file of at most this size. The error has no path.
///
/// # Errors
/// It cannot be read, is no regular file, or is too large.
pub(crate) fn read_regular_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    // Before it is opened: that of a pipe waits for a writer.
    if !std::fs::metadata(path).map_err(|e| e.to_string())?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    read_at_most(path, max_bytes)
}

/// A file that the user named, of at most this size: a regular file, or a pipe or device that ends in time. The error has no
/// path.
///
/// # Errors
/// It cannot be read, is a folder, is too large, or has no end.
pub(crate) fn read_named_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    read_in_time(path, max_bytes, PIPE_TIMEOUT)
}

/// The text of a file that the user named.
///
/// # Errors
/// It cannot be read, is a folder, is too large, has no end, or is not UTF-8.
pub(crate) fn read_named_text(path: &Path, max_bytes: u64) -> Result<String, String> {
    into_text(read_named_file(path, max_bytes)?)
}

fn read_in_time(path: &Path, max_bytes: u64, timeout: Duration) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if metadata.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if metadata.is_file() {
        return read_at_most(path, max_bytes);
    }
    // A pipe without a writer cannot even be opened. Its thread ends with the process.
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || sender.send(read_at_most(&path, max_bytes)));
    receiver.recv_timeout(timeout).unwrap_or_else(|_| {
        Err(format!("it is no regular file, and did not come to its end within {} s", timeout.as_secs()))
    })
}

fn read_at_most(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(max_bytes + 1).read_to_end(&mut bytes));
    read.map_err(|e| e.to_string())?;
    match bytes.len() as u64 > max_bytes {
        true => Err(format!("it has more than {max_bytes} bytes")),
        false => Ok(bytes),
    }
}

fn into_text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|e| format!("it is not UTF-8: {}", e.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_and_one_that_is_too_large_are_not_read() {
        assert_eq!(read_bounded_text(Path::new("/dev/zero"), 10).unwrap_err(), "it is no regular file");
        assert_eq!(read_named_file(Path::new("/dev/zero"), 10).unwrap_err(), "it has more than 10 bytes");
        assert_eq!(read_named_file(Path::new("/dev"), 10).unwrap_err(), "it is a folder");
        let path = std::env::temp_dir().join(format!("gpuhpa-bounded-{}", std::process::id()));
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read_bounded_text(&path, 10).unwrap(), "0123456789");
        assert_eq!(read_bounded_text(&path, 9).unwrap_err(), "it has more than 9 bytes");
        std::fs::write(&path, b"a\xff").unwrap();
        assert!(read_named_text(&path, 9).unwrap_err().starts_with("it is not UTF-8: "));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the standard library makes no pipes")]
    fn a_pipe_is_read_if_a_writer_closes_it_in_time() {
        let pipe = |name: &str| {
            let path = std::env::temp_dir().join(format!("gpuhpa-pipe-{name}-{}", std::process::id()));
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            path
        };
        let (silent, written) = (pipe("silent"), pipe("written"));
        let error = read_in_time(&silent, 10, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error, "it is no regular file, and did not come to its end within 0 s");
        assert_eq!(read_regular_file(&silent, 10).unwrap_err(), "it is no regular file");
        let path = written.clone();
        let writer = std::thread::spawn(move || std::fs::write(path, "text"));
        assert_eq!(read_named_text(&written, 10).unwrap(), "text");
        writer.join().unwrap().unwrap();
        std::fs::remove_file(&silent).unwrap();
        std::fs::remove_file(&written).unwrap();
    }
}
