//! requests.jsonl.zst, read as a stream: a long run has millions of requests.

use std::ops::ControlFlow;

use super::hashing_reader::HashingReader;
use super::{OpenError, json_lines};
use crate::env::BundleReader;
use crate::model::load::RequestRecord;

/// The file in the bundle.
pub(super) const REQUESTS_FILE: &str = "requests.jsonl.zst";
/// Most requests: 5,000 workers that send one per second for an hour.
const MAX_REQUESTS: usize = 18_000_000;
/// Window of the decoder, as a power of two: larger than the one that the encoder uses.
const MAX_WINDOW_LOG: u32 = 24;

/// What reading the requests found besides them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestFileDigest {
    /// sha256 of the file, hexadecimal.
    pub(crate) digest: String,
    /// Why the end is missing, as in the bundle of a run that was killed.
    pub(crate) truncated: Option<String>,
}

pub(super) fn read(
    intake: &BundleReader,
    complete: bool,
    take: &mut dyn FnMut(RequestRecord),
) -> Result<Option<RequestFileDigest>, OpenError> {
    let failed = |why: String| OpenError::Read { file: REQUESTS_FILE.to_owned(), why };
    let mut result = None;
    intake.for_each_file(|name, file| {
        if name != REQUESTS_FILE {
            return Ok(ControlFlow::Continue(()));
        }
        let mut file = HashingReader::new(file);
        let cut = decode_requests(&mut file, take);
        let digest = file.finish().map_err(|e| failed(e.to_string()))?;
        result = Some(match cut {
            Ok(None) => RequestFileDigest { digest, truncated: None },
            Ok(Some(error)) | Err(error @ OpenError::Read { .. }) if !complete => {
                RequestFileDigest { digest, truncated: Some(error.to_string()) }
            }
            Ok(Some(error)) | Err(error) => return Err(error),
        });
        Ok::<_, OpenError>(ControlFlow::Break(()))
    })?;
    Ok(result)
}

/// Passes each request on, and returns the error of a last line that is truncated.
fn decode_requests(
    file: &mut dyn std::io::Read,
    take: &mut dyn FnMut(RequestRecord),
) -> Result<Option<OpenError>, OpenError> {
    let failed = |e: std::io::Error| OpenError::Read { file: REQUESTS_FILE.to_owned(), why: e.to_string() };
    let mut decoder = zstd::Decoder::new(file).map_err(failed)?;
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(failed)?;
    json_lines::for_each(REQUESTS_FILE, &mut decoder, MAX_REQUESTS, take)
}
