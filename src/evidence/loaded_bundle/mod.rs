//! Reads a bundle. Its source is not trusted: a file that gpuhpa cannot have written ends in an error with file and line, and
//! memory is bounded whatever the files contain (`env::BundleReader` limits their number and sizes).

mod hashing_reader;
mod json_lines;
mod partial_bundle;
mod request_file;
mod stored_scenario;
mod value_limits;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use self::hashing_reader::HashingReader;
use self::partial_bundle::PartialBundle;
use super::finished_run::FinishedRun;
use crate::env::{BundleReadError, BundleReader, read_bounded_text};
use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::load::LoadReport;
use crate::model::manifest::{DIAGNOSTICS_DIR, MANIFEST_FILE, Manifest};
use crate::model::observation::Observation;
use crate::model::plan::Plan;
use crate::model::prediction::RunPrediction;
use crate::model::record_numbers::RecordNumbers;
use crate::model::revision::{FORMAT, OLDEST_FORMAT, RULES};
use crate::model::run_records::RunRecords;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;

pub(crate) use request_file::RequestFileDigest;

/// Largest size of a file that is read as a whole, bytes.
const MAX_DOCUMENT: u64 = 16 << 20;
/// Longest line, bytes: a reading of a thousand series takes half a million.
const MAX_LINE: usize = 8 << 20;
/// Most lines of the journal: a run makes some dozens of changes.
const MAX_JOURNAL: usize = 100_000;
/// Most observations: a run of a day makes half as many.
const MAX_TIMELINE: usize = 1_000_000;
/// Largest size of the timeline, bytes: an hour with a hundred pods takes a tenth of it.
const MAX_TIMELINE_BYTES: u64 = 512 << 20;

const INVENTORY_FILE: &str = "inventory.json";

/// Records that mark a folder as a bundle without its manifest.
const RECORDS: [&str; 4] = ["timeline.jsonl", "journal.jsonl", INVENTORY_FILE, "verdict.json"];

/// Why a bundle could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or archive could not be read.
    #[error(transparent)]
    Reader(#[from] BundleReadError),
    /// A folder without any file of a bundle.
    #[error("{path}: {MANIFEST_FILE} is missing")]
    NoBundle {
        /// The folder.
        path: String,
    },
    /// A file that every bundle holds is missing.
    #[error("{file} is missing")]
    Missing {
        /// The file.
        file: &'static str,
    },
    /// A file could not be read to its end.
    #[error("{file}: could not be read: {why}")]
    Read {
        /// The file.
        file: String,
        /// The operating system's message.
        why: String,
    },
    /// A file cannot be parsed.
    #[error("{file}:{line}:{column}: {what}")]
    Parse {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// A file or a line of it is larger than any that a run writes.
    #[error("{file}: {what}")]
    TooLarge {
        /// The file.
        file: String,
        /// What is too large, and the limit.
        what: String,
    },
    /// Another version of gpuhpa wrote it.
    #[error("manifest.json: the bundle has format {found}, and this gpuhpa reads formats {OLDEST_FORMAT} to {FORMAT}")]
    Format {
        /// The format that it has.
        found: u32,
    },
    /// A later gpuhpa wrote it, under rules that this one does not know.
    #[error("manifest.json: the bundle was written under rules {found}, and this gpuhpa knows rules 1 to {RULES}")]
    Rules {
        /// The rules that it names.
        found: u32,
    },
}

/// The inventory of a folder, which a run writes before its first change: an interrupted run has no complete bundle.
///
/// # Errors
/// It cannot be read, or is no inventory.
pub(crate) fn read_inventory(dir: &Path) -> Result<Inventory, String> {
    let path = dir.join(INVENTORY_FILE);
    let text = read_bounded_text(&path, MAX_DOCUMENT);
    let inventory = text.and_then(|text| {
        RecordNumbers::of_file(INVENTORY_FILE).check(text.as_bytes()).map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    });
    inventory.map_err(|why| format!("could not read {}: {why}", path.display()))
}

impl OpenError {
    /// True when there is no bundle at that path, as after a typing error; false when there is one that is not sound.
    #[must_use]
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Reader(BundleReadError::NotABundle { .. } | BundleReadError::Read { .. }) | Self::NoBundle { .. }
        )
    }

    /// What to do next.
    #[must_use]
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoBundle { .. } | Self::Reader(BundleReadError::NotABundle { .. } | BundleReadError::Read { .. }) => {
                "name a folder that verify has written, for example reports/RUN-ID, or a .tar.zst or .tar of it; - reads one from stdin"
            }
            Self::Format { found } if *found < OLDEST_FORMAT => "read it with the gpuhpa that wrote it",
            Self::Format { .. } | Self::Rules { .. } => "read it with the gpuhpa that wrote it, or a later one",
            Self::Reader(_) | Self::Missing { .. } | Self::Read { .. } | Self::Parse { .. } | Self::TooLarge { .. } => {
                "the bundle is damaged or altered: ask its sender for the original"
            }
        }
    }
}

/// A bundle in memory. The requests are streamed instead.
#[derive(Debug)]
pub struct LoadedBundle {
    /// manifest.json.
    pub manifest: Manifest,
    /// scenario.yaml.
    pub scenario: Scenario,
    /// inventory.json.
    pub inventory: Inventory,
    /// plan.json.
    pub plan: Plan,
    /// journal.jsonl; empty where the run changed nothing.
    pub(crate) journal: Vec<JournalEntry>,
    /// timeline.jsonl; empty where the run observed nothing.
    pub timeline: Vec<Observation>,
    /// load.json, if the load ran.
    pub load: Option<LoadReport>,
    /// verdict.json; absent where the run did not finish.
    pub verdict: Option<Verdict>,
    /// The bytes of the files in the top folder by name, without journal, timeline and requests.
    pub raw_files: BTreeMap<String, Vec<u8>>,
    /// sha256 of every file but the manifest, hexadecimal, by path.
    pub digests: BTreeMap<String, String>,
    reader: BundleReader,
}

impl LoadedBundle {
    /// The input of the judge.
    #[must_use]
    pub fn records(&self) -> RunRecords<'_> {
        RunRecords {
            scenario: &self.scenario,
            inventory: &self.inventory,
            journal: &self.journal,
            timeline: &self.timeline,
            client_bound: self.load.as_ref().and_then(|load| load.client_bound.as_deref()),
        }
    }

    /// The input of the derived files, with this verdict and prediction.
    #[must_use]
    pub fn finished_run<'a>(&'a self, verdict: &'a Verdict, prediction: &'a RunPrediction) -> FinishedRun<'a> {
        let Self { scenario, inventory, plan, journal, timeline, load, .. } = self;
        FinishedRun { scenario, inventory, plan, journal, timeline, load: load.as_ref(), verdict, prediction }
    }

    /// Whether the bundle has diagnostics.
    #[must_use]
    pub(crate) fn has_diagnostics(&self) -> bool {
        self.digests.keys().any(|path| path.split_once('/').is_some_and(|(folder, _)| folder == DIAGNOSTICS_DIR))
    }

    /// Reads requests.jsonl.zst, one request at a time; `None` when the bundle has no such file.
    ///
    /// # Errors
    /// It cannot be read or parsed. In a bundle that is marked incomplete its end may be missing.
    pub(crate) fn read_requests(
        &self,
        take: &mut dyn FnMut(crate::model::load::RequestRecord),
    ) -> Result<Option<RequestFileDigest>, OpenError> {
        request_file::read(&self.reader, self.manifest.complete, take)
    }

    /// The path that it was read from.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        self.reader.path()
    }
}

/// Reads a bundle: a folder, or a `.tar.zst` or `.tar` of one; of `-` an archive from stdin. It compares nothing: that is the review's task.
///
/// # Errors
/// There is no bundle at that path, it contains what no bundle contains, or a file of it cannot be parsed.
pub fn open_bundle(path: &Path) -> Result<LoadedBundle, OpenError> {
    let intake = BundleReader::open(path, MANIFEST_FILE)?;
    if !intake.files().contains_key(MANIFEST_FILE) {
        // A folder with other files of a bundle, or an archive, has lost its manifest.
        let is_bundle = intake.is_archive() || RECORDS.iter().any(|name| intake.files().contains_key(*name));
        return Err(match is_bundle {
            true => OpenError::Missing { file: MANIFEST_FILE },
            false => OpenError::NoBundle { path: path.display().to_string() },
        });
    }
    let mut found = PartialBundle::default();
    intake.for_each_file(|name, file| {
        let mut file = HashingReader::new(file);
        // A bundle of another format has other lines, so the manifest is looked at before the first parse error is returned.
        if let Err(error) = found.read_file(name, &mut file) {
            found.first_error.get_or_insert(error);
        }
        let digest = file.finish().map_err(|e| OpenError::Read { file: name.to_owned(), why: e.to_string() })?;
        if name != MANIFEST_FILE {
            found.digests.insert(name.to_owned(), digest);
        }
        Ok::<_, OpenError>(ControlFlow::Continue(()))
    })?;
    found.into_loaded(intake)
}

#[cfg(test)]
mod tests;
