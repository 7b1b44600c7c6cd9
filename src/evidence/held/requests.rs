//! requests.jsonl.zst, read as a stream: a long run has millions of requests.

use std::ops::ControlFlow;

use super::source::Hashing;
use super::{OpenError, lines};
use crate::record::load::RequestRecord;
use crate::world::Intake;

/// The file in the bundle.
pub(super) const FILE: &str = "requests.jsonl.zst";
/// Requests at most: 5,000 workers that send one a second for an hour.
const MAX_REQUESTS: usize = 18_000_000;
/// The window that the decoder keeps, as a power of two: more than our own encoder uses.
const MAX_WINDOW_LOG: u32 = 24;

/// How the reading of the requests ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    /// sha256 of the file as it was read now, hexadecimal.
    pub digest: String,
    /// The end is missing, as in the bundle of a run that was killed: why.
    pub cut: Option<String>,
}

pub(super) fn read(
    intake: &Intake,
    complete: bool,
    take: &mut dyn FnMut(RequestRecord),
) -> Result<Option<Requests>, OpenError> {
    let failed = |why: String| OpenError::Read { file: FILE.to_owned(), why };
    let mut result = None;
    intake.each(|name, file| {
        if name != FILE {
            return Ok(ControlFlow::Continue(()));
        }
        let mut file = Hashing::new(file);
        let cut = decoded(&mut file, take);
        let digest = file.finish().map_err(|e| failed(e.to_string()))?;
        result = Some(match cut {
            Ok(None) => Requests { digest, cut: None },
            Ok(Some(error)) | Err(error @ OpenError::Read { .. }) if !complete => {
                Requests { digest, cut: Some(error.to_string()) }
            }
            Ok(Some(error)) | Err(error) => return Err(error),
        });
        Ok::<_, OpenError>(ControlFlow::Break(()))
    })?;
    Ok(result)
}

/// All requests; what is wrong with a last line that was cut.
fn decoded(file: &mut dyn std::io::Read, take: &mut dyn FnMut(RequestRecord)) -> Result<Option<OpenError>, OpenError> {
    let failed = |e: std::io::Error| OpenError::Read { file: FILE.to_owned(), why: e.to_string() };
    let mut decoder = zstd::Decoder::new(file).map_err(failed)?;
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(failed)?;
    lines::each(FILE, &mut decoder, MAX_REQUESTS, take)
}
