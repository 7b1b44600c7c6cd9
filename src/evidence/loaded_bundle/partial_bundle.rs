//! A bundle while its files are read, each parsed by its name.

use std::collections::BTreeMap;
use std::io::Read;

use serde::de::DeserializeOwned;

use super::{
    LoadedBundle, MAX_DOCUMENT, MAX_JOURNAL, MAX_TIMELINE, MAX_TIMELINE_BYTES, OpenError, hashing_reader, json_lines,
    request_file, stored_scenario, value_limits,
};
use crate::env::BundleReader;
use crate::error_chain::describe_yaml_error;
use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::load::LoadReport;
use crate::model::manifest::{MANIFEST_FILE, Manifest};
use crate::model::observation::{Observation, ObservationKind};
use crate::model::plan::Plan;
use crate::model::reading::{MAX_SERIES, SharedLabels};
use crate::model::record_numbers::RecordNumbers;
use crate::model::revision::{FORMAT, OLDEST_FORMAT, RULES};
use crate::model::verdict::Verdict;

/// The files that were read so far.
#[derive(Default)]
pub(super) struct PartialBundle {
    manifest: Option<Manifest>,
    inventory: Option<Inventory>,
    plan: Option<Plan>,
    journal: json_lines::JsonLines<JournalEntry>,
    timeline: json_lines::JsonLines<Observation>,
    load: Option<LoadReport>,
    verdict: Option<Verdict>,
    raw_files: BTreeMap<String, Vec<u8>>,
    pub(super) digests: BTreeMap<String, String>,
    pub(super) first_error: Option<OpenError>,
}

impl PartialBundle {
    pub(super) fn read_file(&mut self, name: &str, file: &mut dyn Read) -> Result<(), OpenError> {
        match name {
            "journal.jsonl" => self.journal = json_lines::read(name, file, MAX_JOURNAL, |_| Ok(()))?,
            "timeline.jsonl" => {
                let (mut shared, mut file) = (SharedLabels::default(), file.take(MAX_TIMELINE_BYTES + 1));
                self.timeline = json_lines::read(name, &mut file, MAX_TIMELINE, |one: &mut Observation| {
                    if let ObservationKind::Metric(reading) = &mut one.kind {
                        shared.share(reading);
                    }
                    value_limits::check_observation(one)
                })?;
                let what = || format!("it has more than {MAX_TIMELINE_BYTES} bytes");
                ensure_limit(name, file.limit() > 0, what)?;
                ensure_limit(name, shared.series() <= MAX_SERIES, || format!("it has more than {MAX_SERIES} series"))?;
            }
            request_file::REQUESTS_FILE => {}
            _ if name.contains('/') => {}
            _ => {
                let text = read_document(name, file)?;
                match name {
                    MANIFEST_FILE => self.manifest = Some(parse_json(name, &text)?),
                    "inventory.json" => self.inventory = Some(parse_json(name, &text)?),
                    "plan.json" => self.plan = Some(parse_json(name, &text)?),
                    "load.json" => self.load = Some(parse_json(name, &text)?),
                    "verdict.json" => self.verdict = Some(parse_json(name, &text)?),
                    _ => {}
                }
                self.raw_files.insert(name.to_owned(), text);
            }
        }
        Ok(())
    }

    pub(super) fn into_loaded(mut self, intake: BundleReader) -> Result<LoadedBundle, OpenError> {
        let wrong = |file| OpenError::Missing { file };
        let Some(manifest) = self.manifest else { return Err(self.first_error.unwrap_or(wrong(MANIFEST_FILE))) };
        if !(OLDEST_FORMAT..=FORMAT).contains(&manifest.format) {
            return Err(OpenError::Format { found: manifest.format });
        }
        if !(1..=RULES).contains(&manifest.rules) {
            return Err(OpenError::Rules { found: manifest.rules });
        }
        if let Some(error) = self.first_error {
            return Err(error);
        }
        if manifest.complete {
            // Only the last line of a run that was killed may be truncated.
            self.journal.require_complete()?;
            self.timeline.require_complete()?;
        }
        // Its keys depend on the format, and the manifest may be read after it.
        let scenario = self.raw_files.get("scenario.yaml").ok_or(wrong("scenario.yaml"))?;
        Ok(LoadedBundle {
            scenario: stored_scenario::parse(manifest.format, scenario)?,
            manifest,
            inventory: self.inventory.ok_or(wrong("inventory.json"))?,
            plan: self.plan.ok_or(wrong("plan.json"))?,
            journal: self.journal.items,
            timeline: self.timeline.items,
            load: self.load,
            verdict: self.verdict,
            raw_files: self.raw_files,
            digests: self.digests,
            reader: intake,
        })
    }
}

fn ensure_limit(name: &str, holds: bool, what: impl FnOnce() -> String) -> Result<(), OpenError> {
    if holds { Ok(()) } else { Err(OpenError::TooLarge { file: name.to_owned(), what: what() }) }
}

/// Reads a whole file, up to the size limit.
fn read_document(name: &str, file: &mut dyn Read) -> Result<Vec<u8>, OpenError> {
    let mut text = Vec::new();
    let read = file.take(MAX_DOCUMENT + 1).read_to_end(&mut text);
    read.map_err(|e| OpenError::Read { file: name.to_owned(), why: e.to_string() })?;
    ensure_limit(name, text.len() as u64 <= MAX_DOCUMENT, || format!("it has more than {MAX_DOCUMENT} bytes"))?;
    Ok(text)
}

/// Parses a record of which every number is within its range.
fn parse_json<T: DeserializeOwned>(name: &str, text: &[u8]) -> Result<T, OpenError> {
    let parsed = serde_json::from_slice(text).and_then(|one| RecordNumbers::of_file(name).check(text).map(|()| one));
    parsed.map_err(|e| OpenError::Parse {
        file: name.to_owned(),
        line: e.line(),
        column: e.column(),
        what: hashing_reader::describe_json_error(&e),
    })
}

pub(super) fn parse_yaml<T: DeserializeOwned>(name: &str, text: &[u8]) -> Result<T, OpenError> {
    let parse = |line: u64, column: u64, what: String| {
        let place = |n| usize::try_from(n).unwrap_or(0);
        OpenError::Parse { file: name.to_owned(), line: place(line), column: place(column), what }
    };
    let text = std::str::from_utf8(text).map_err(|e| parse(1, 1, e.to_string()))?;
    serde_saphyr::from_str(text).map_err(|e| {
        let at = e.location();
        parse(at.map_or(1, |l| l.line()), at.map_or(1, |l| l.column()), describe_yaml_error(&e))
    })
}
