//! Writes `requests.jsonl.zst`: one line per request, compressed on the fly and flushed every second, so that a crash
//! leaves a readable prefix. There is no writer thread: a flush is some kilobytes into the page cache, and a run in
//! virtual time stays deterministic.

use std::io::Write;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use zstd::stream::write::Encoder;

use super::LoadError;
use crate::env::Bundle;
use crate::model::load::RequestRecord;

/// Name of the file in the bundle.
const FILE_NAME: &str = "requests.jsonl.zst";
/// zstd's default: the records shrink to a tenth, at a cost of microseconds each.
const ZSTD_LEVEL: i32 = 3;
/// Most records between two flushes; each flush ends a block and costs compression ratio.
const FLUSH_RECORDS: usize = 256;

/// The request log.
pub(super) struct RecordFile {
    bundle: Bundle,
    encoder: Encoder<'static, Vec<u8>>,
    unflushed: usize,
}

impl RecordFile {
    /// Starts a zstd frame. A bundle that has a request log already gets a second frame; decoders read both as one
    /// text.
    pub(super) fn open(bundle: Bundle) -> Result<Self, LoadError> {
        let mut encoder = Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(compression_error)?;
        encoder.include_checksum(true).map_err(compression_error)?;
        Ok(Self { bundle, encoder, unflushed: 0 })
    }

    /// Writes records until every sender is dropped, then ends the frame. After a failure it keeps receiving records,
    /// so that no worker blocks, and returns the first error.
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
        // The only foreign text in a record.
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
