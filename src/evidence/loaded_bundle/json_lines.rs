//! Files with one JSON object per line (JSON Lines), read line by line.

use std::io::{BufRead, BufReader, Read as _};

use serde::de::DeserializeOwned;

use super::hashing_reader::describe_json_error;
use super::{MAX_LINE, OpenError};
use crate::model::record_numbers::RecordNumbers;

/// The parsed lines.
pub(super) struct JsonLines<T> {
    pub(super) items: Vec<T>,
    /// The error of a last line that has no end: the run was killed while it wrote it.
    truncated: Option<OpenError>,
}

impl<T> Default for JsonLines<T> {
    fn default() -> Self {
        Self { items: Vec::new(), truncated: None }
    }
}

impl<T> JsonLines<T> {
    /// Fails if the last line was cut.
    pub(super) fn require_complete(&mut self) -> Result<(), OpenError> {
        self.truncated.take().map_or(Ok(()), Err)
    }
}

/// All lines of a file.
pub(super) fn read<T: DeserializeOwned>(
    name: &str,
    file: &mut dyn std::io::Read,
    most: usize,
    mut check: impl FnMut(&mut T) -> Result<(), String>,
) -> Result<JsonLines<T>, OpenError> {
    let mut read = JsonLines::default();
    let mut wrong = Ok(());
    let cut = for_each(name, file, most, |mut one| match check(&mut one) {
        Ok(()) => read.items.push(one),
        Err(what) if wrong.is_ok() => {
            let line = read.items.len() + 1;
            wrong = Err(OpenError::Parse { file: name.to_owned(), line, column: 1, what });
        }
        Err(_) => {}
    })?;
    wrong?;
    read.truncated = cut;
    Ok(read)
}

/// Passes each line to `take`, and returns the error of a last line that is truncated. Every number of a line is within
/// its range.
pub(super) fn for_each<T: DeserializeOwned>(
    name: &str,
    file: &mut dyn std::io::Read,
    most: usize,
    mut take: impl FnMut(T),
) -> Result<Option<OpenError>, OpenError> {
    let mut file = BufReader::with_capacity(256 * 1024, file);
    let (mut line, numbers) = (Vec::new(), RecordNumbers::of_file(name));
    let too_much = |what: String| OpenError::TooLarge { file: name.to_owned(), what };
    for number in 1_usize.. {
        line.clear();
        let read = (&mut file).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line);
        if read.map_err(|e| OpenError::Read { file: name.to_owned(), why: e.to_string() })? == 0 {
            break;
        }
        if line.len() > MAX_LINE {
            return Err(too_much(format!("line {number} has more than {MAX_LINE} bytes")));
        }
        if number > most {
            return Err(too_much(format!("it has more than {most} lines")));
        }
        let ended = line.last() == Some(&b'\n');
        let parse =
            |column: usize, what: String| OpenError::Parse { file: name.to_owned(), line: number, column, what };
        let parsed = serde_json::from_slice(&line).and_then(|one| numbers.check(&line).map(|()| one));
        match parsed {
            Ok(one) if ended => take(one),
            Ok(_) => return Ok(Some(parse(line.len(), "the last line is truncated".to_owned()))),
            Err(e) if !ended => return Ok(Some(parse(e.column(), describe_json_error(&e)))),
            Err(e) => return Err(parse(e.column(), describe_json_error(&e))),
        }
    }
    Ok(None)
}
