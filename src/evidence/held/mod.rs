//! A bundle read back. It may come from anybody: what is not as gpuhpa writes it ends in an error that names file and
//! line, and memory is bounded whatever the files hold (`world::Intake` bounds their number and sizes).

mod lines;
mod requests;
mod source;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use serde::de::DeserializeOwned;

use self::source::Hashing;
use crate::record::inventory::Inventory;
use crate::record::journal::Entry;
use crate::record::load::LoadReport;
use crate::record::manifest::Manifest;
use crate::record::observation::Observation;
use crate::record::plan::Plan;
use crate::record::records::Records;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::world::{Intake, IntakeError};

pub use requests::Requests;

/// Version of the bundle's format that is written and read.
pub(super) const FORMAT: u32 = 1;
/// The file that makes a folder a bundle.
pub(super) const MANIFEST: &str = "manifest.json";
/// Bytes of a file that is read as a whole at most.
const MAX_DOCUMENT: u64 = 16 << 20;
/// Bytes of a line at most: a reading of a thousand series holds half a million.
const MAX_LINE: usize = 8 << 20;
/// Lines of the journal at most: a run makes some dozens of changes.
const MAX_JOURNAL: usize = 100_000;
/// Observations at most: a run of a day makes half as many.
const MAX_TIMELINE: usize = 1_000_000;

/// Why a bundle could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be taken in at all.
    #[error(transparent)]
    Intake(#[from] IntakeError),
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
        /// The system's words.
        why: String,
    },
    /// A file is not what gpuhpa writes there.
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
    /// A file, or a line of one, holds more than any run writes.
    #[error("{file}: {what}")]
    TooMuch {
        /// The file.
        file: String,
        /// What is too much, and the limit.
        what: String,
    },
    /// Another version of gpuhpa wrote it.
    #[error("manifest.json: the bundle has format {found}, and this gpuhpa reads format {FORMAT}")]
    Format {
        /// The format that it has.
        found: u32,
    },
}

impl OpenError {
    /// True when there is no bundle at that place, as after a slip of the pen; false when there is one that is not sound.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        matches!(
            self,
            Self::Intake(IntakeError::Neither { .. } | IntakeError::Read { .. }) | Self::Missing { file: MANIFEST }
        )
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing { file: MANIFEST } | Self::Intake(IntakeError::Neither { .. } | IntakeError::Read { .. }) => {
                "name a folder that verify has written, for example reports/RUN-ID, or a .tar.zst of it"
            }
            Self::Format { .. } => "read it with the gpuhpa that wrote it, or a later one",
            Self::Intake(_) | Self::Missing { .. } | Self::Read { .. } | Self::Parse { .. } | Self::TooMuch { .. } => {
                "this is not what gpuhpa wrote: ask whoever handed it over for the bundle as it was"
            }
        }
    }
}

/// A bundle in memory, as far as it is not a stream.
#[derive(Debug)]
pub struct Held {
    /// manifest.json.
    pub manifest: Manifest,
    /// scenario.yaml.
    pub scenario: Scenario,
    /// inventory.json.
    pub inventory: Inventory,
    /// plan.json.
    pub plan: Plan,
    /// journal.jsonl; empty where the run changed nothing.
    pub journal: Vec<Entry>,
    /// timeline.jsonl; empty where the run saw nothing.
    pub timeline: Vec<Observation>,
    /// load.json, if the load ran.
    pub load: Option<LoadReport>,
    /// verdict.json; missing where the run did not come to its end.
    pub verdict: Option<Verdict>,
    /// Files of some megabytes at most, as they stand, by name: those above but for journal and timeline, junit.xml, and
    /// whatever else lies in the top folder.
    pub texts: BTreeMap<String, Vec<u8>>,
    /// sha256 of every file but the manifest, hexadecimal, by path.
    pub digests: BTreeMap<String, String>,
    intake: Intake,
}

impl Held {
    /// What the judge reads.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records {
            scenario: &self.scenario,
            inventory: &self.inventory,
            journal: &self.journal,
            timeline: &self.timeline,
            load_void: self.load.as_ref().and_then(|load| load.void.as_deref()),
        }
    }

    /// Reads requests.jsonl.zst, one request at a time; `None` when the bundle has no such file.
    ///
    /// # Errors
    /// It cannot be read, or holds what is no request. In a bundle that is marked incomplete its end may be missing.
    pub fn requests(
        &self,
        take: &mut dyn FnMut(crate::record::load::RequestRecord),
    ) -> Result<Option<Requests>, OpenError> {
        requests::read(&self.intake, self.manifest.complete, take)
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.intake.path()
    }
}

/// Reads a bundle: a folder, or a `.tar.zst` or `.tar` of one. Nothing is compared yet: that what was read is what was
/// written is for `judge` to say.
///
/// # Errors
/// There is none at that place, it holds what no bundle holds, or a file of it cannot be read as what it should be.
pub fn open(path: &Path) -> Result<Held, OpenError> {
    let intake = Intake::of(path, MANIFEST)?;
    if !intake.files().contains_key(MANIFEST) {
        return Err(OpenError::Missing { file: MANIFEST });
    }
    let mut found = Found::default();
    intake.each(|name, file| {
        let mut file = Hashing::new(file);
        // A bundle of another format is not to be blamed for its lines, so the first complaint waits for the manifest.
        if let Err(error) = found.take(name, &mut file) {
            found.wrong.get_or_insert(error);
        }
        let digest = file.finish().map_err(|e| OpenError::Read { file: name.to_owned(), why: e.to_string() })?;
        if name != MANIFEST {
            found.digests.insert(name.to_owned(), digest);
        }
        Ok::<_, OpenError>(ControlFlow::Continue(()))
    })?;
    found.held(intake)
}

/// What was read so far.
#[derive(Default)]
struct Found {
    manifest: Option<Manifest>,
    scenario: Option<Scenario>,
    inventory: Option<Inventory>,
    plan: Option<Plan>,
    journal: lines::Read<Entry>,
    timeline: lines::Read<Observation>,
    load: Option<LoadReport>,
    verdict: Option<Verdict>,
    texts: BTreeMap<String, Vec<u8>>,
    digests: BTreeMap<String, String>,
    wrong: Option<OpenError>,
}

impl Found {
    fn take(&mut self, name: &str, file: &mut dyn Read) -> Result<(), OpenError> {
        match name {
            "journal.jsonl" => self.journal = lines::read(name, file, MAX_JOURNAL)?,
            "timeline.jsonl" => self.timeline = lines::read(name, file, MAX_TIMELINE)?,
            requests::FILE => {}
            _ if name.contains('/') => {}
            _ => {
                let text = document(name, file)?;
                match name {
                    MANIFEST => self.manifest = Some(json(name, &text)?),
                    "scenario.yaml" => self.scenario = Some(yaml(name, &text)?),
                    "inventory.json" => self.inventory = Some(json(name, &text)?),
                    "plan.json" => self.plan = Some(json(name, &text)?),
                    "load.json" => self.load = Some(json(name, &text)?),
                    "verdict.json" => self.verdict = Some(json(name, &text)?),
                    _ => {}
                }
                self.texts.insert(name.to_owned(), text);
            }
        }
        Ok(())
    }

    fn held(mut self, intake: Intake) -> Result<Held, OpenError> {
        let wrong = |file| OpenError::Missing { file };
        let Some(manifest) = self.manifest else { return Err(self.wrong.unwrap_or(wrong(MANIFEST))) };
        if manifest.format != FORMAT {
            return Err(OpenError::Format { found: manifest.format });
        }
        if let Some(error) = self.wrong {
            return Err(error);
        }
        if manifest.complete {
            // The last line of a run that was killed may be cut; the end of any other is whole.
            self.journal.whole()?;
            self.timeline.whole()?;
        }
        Ok(Held {
            manifest,
            scenario: self.scenario.ok_or(wrong("scenario.yaml"))?,
            inventory: self.inventory.ok_or(wrong("inventory.json"))?,
            plan: self.plan.ok_or(wrong("plan.json"))?,
            journal: self.journal.all,
            timeline: self.timeline.all,
            load: self.load,
            verdict: self.verdict,
            texts: self.texts,
            digests: self.digests,
            intake,
        })
    }
}

/// A whole file, if it is not larger than any that gpuhpa writes there.
fn document(name: &str, file: &mut dyn Read) -> Result<Vec<u8>, OpenError> {
    let mut text = Vec::new();
    let read = file.take(MAX_DOCUMENT + 1).read_to_end(&mut text);
    read.map_err(|e| OpenError::Read { file: name.to_owned(), why: e.to_string() })?;
    if text.len() as u64 > MAX_DOCUMENT {
        let what = format!("it holds more than {MAX_DOCUMENT} bytes");
        return Err(OpenError::TooMuch { file: name.to_owned(), what });
    }
    Ok(text)
}

fn json<T: DeserializeOwned>(name: &str, text: &[u8]) -> Result<T, OpenError> {
    serde_json::from_slice(text).map_err(|e| OpenError::Parse {
        file: name.to_owned(),
        line: e.line(),
        column: e.column(),
        what: source::brief(&e),
    })
}

fn yaml<T: DeserializeOwned>(name: &str, text: &[u8]) -> Result<T, OpenError> {
    let parse = |line: u64, column: u64, what: String| {
        let place = |n| usize::try_from(n).unwrap_or(0);
        OpenError::Parse { file: name.to_owned(), line: place(line), column: place(column), what }
    };
    let text = std::str::from_utf8(text).map_err(|e| parse(1, 1, e.to_string()))?;
    serde_saphyr::from_str(text).map_err(|e| {
        let at = e.location();
        let what = e.without_snippet().to_string();
        parse(
            at.map_or(1, |l| l.line()),
            at.map_or(1, |l| l.column()),
            what.lines().next().unwrap_or_default().to_owned(),
        )
    })
}

#[cfg(test)]
mod tests;
