//! `requests.jsonl.zst`: one line a request, compressed as it grows and flushed every second, so that a crash leaves a
//! file whose beginning can be read. Written in place, without a thread of its own: a flush is some kilobytes into the
//! page cache, and a run in virtual time stays the same run every time.

use std::io::Write;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use zstd::stream::write::Encoder;

use super::LoadError;
use crate::env::Bundle;
use crate::model::load::RequestRecord;

/// The file in the bundle.
const FILE_NAME: &str = "requests.jsonl.zst";
/// zstd's own default: the records shrink to a tenth, at a cost of microseconds each.
const ZSTD_LEVEL: i32 = 3;
/// Records between two flushes at most; each flush ends a block and costs some compression.
const FLUSH_RECORDS: usize = 256;

/// The record of requests.
pub(super) struct RecordFile {
    bundle: Bundle,
    encoder: Encoder<'static, Vec<u8>>,
    unflushed: usize,
}

impl RecordFile {
    /// Begins a frame; a bundle that has records already gets a second one, which every decoder reads as one text.
    pub(super) fn open(bundle: Bundle) -> Result<Self, LoadError> {
        let mut encoder = Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(compression_error)?;
        encoder.include_checksum(true).map_err(compression_error)?;
        Ok(Self { bundle, encoder, unflushed: 0 })
    }

    /// Writes records until every sender is gone, then finishes the file. After a failure it goes on taking records, so
    /// that no worker waits for it, and returns the first error.
    pub(super) async fn run(mut self, mut records: mpsc::Receiver<RequestRecord>) -> Result<(), LoadError> {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut state = Ok(());
        loop {
            let step = tokio::select! {
                biased;
                record = records.recv() => match record {
                    Some(record) if state.is_ok() => self.write_record(record),
                    Some(_) => Ok(()),
                    None => break,
                },
                _ = second.tick(), if state.is_ok() => self.flush(),
            };
            state = state.and(step);
        }
        state?;
        let rest = self.encoder.finish().map_err(compression_error)?;
        Ok(self.bundle.append(FILE_NAME, &rest)?)
    }

    fn write_record(&mut self, mut record: RequestRecord) -> Result<(), LoadError> {
        // The only text of a request that is not ours.
        record.error = record.error.map(|error| self.bundle.redactor().redact_text(&error));
        let mut line = serde_json::to_vec(&record).map_err(|e| LoadError::Compression(e.to_string()))?;
        line.push(b'\n');
        self.encoder.write_all(&line).map_err(compression_error)?;
        self.unflushed += 1;
        if self.unflushed >= FLUSH_RECORDS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), LoadError> {
        if self.unflushed == 0 {
            return Ok(());
        }
        self.unflushed = 0;
        self.encoder.flush().map_err(compression_error)?;
        let bytes = std::mem::take(self.encoder.get_mut());
        Ok(self.bundle.append(FILE_NAME, &bytes)?)
    }
}

fn compression_error(error: std::io::Error) -> LoadError {
    LoadError::Compression(error.to_string())
}
