//! The files of a bundle as they pass, each read as what it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{
    FORMAT, Held, MANIFEST, MAX_DOCUMENT, MAX_JOURNAL, MAX_SERIES, MAX_TIMELINE, MAX_TIMELINE_BYTES, OpenError, lines,
    plausible, requests, source,
};
use crate::record::inventory::Inventory;
use crate::record::journal::Entry;
use crate::record::load::LoadReport;
use crate::record::manifest::Manifest;
use crate::record::observation::{Observation, Seen};
use crate::record::plan::Plan;
use crate::record::reading::{Answer, Reading};
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::world::Intake;

/// What was read so far.
#[derive(Default)]
pub(super) struct Found {
    manifest: Option<Manifest>,
    scenario: Option<Scenario>,
    inventory: Option<Inventory>,
    plan: Option<Plan>,
    journal: lines::Read<Entry>,
    timeline: lines::Read<Observation>,
    load: Option<LoadReport>,
    verdict: Option<Verdict>,
    texts: BTreeMap<String, Vec<u8>>,
    pub(super) digests: BTreeMap<String, String>,
    pub(super) wrong: Option<OpenError>,
}

impl Found {
    pub(super) fn take(&mut self, name: &str, file: &mut dyn Read) -> Result<(), OpenError> {
        match name {
            "journal.jsonl" => self.journal = lines::read(name, file, MAX_JOURNAL, |entry| plausible::entry(entry))?,
            "timeline.jsonl" => {
                let (mut shared, mut file) = (Shared::default(), file.take(MAX_TIMELINE_BYTES + 1));
                self.timeline = lines::read(name, &mut file, MAX_TIMELINE, |one| {
                    shared.share(one);
                    plausible::observation(one)
                })?;
                let what = || format!("it holds more than {MAX_TIMELINE_BYTES} bytes");
                within(name, file.limit() > 0, what)?;
                within(name, shared.0.len() <= MAX_SERIES, || format!("it holds more than {MAX_SERIES} series"))?;
            }
            requests::FILE => {}
            _ if name.contains('/') => {}
            _ => {
                let text = document(name, file)?;
                match name {
                    MANIFEST => self.manifest = Some(json(name, &text)?),
                    "scenario.yaml" => self.scenario = Some(yaml(name, &text)?),
                    "inventory.json" => {
                        let inventory = json(name, &text)?;
                        let parse = |what| OpenError::Parse { file: name.to_owned(), line: 1, column: 1, what };
                        plausible::inventory(&inventory).map_err(parse)?;
                        self.inventory = Some(inventory);
                    }
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

    pub(super) fn held(mut self, intake: Intake) -> Result<Held, OpenError> {
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

fn within(name: &str, holds: bool, what: impl FnOnce() -> String) -> Result<(), OpenError> {
    if holds { Ok(()) } else { Err(OpenError::TooMuch { file: name.to_owned(), what: what() }) }
}

/// The labels of the series that were read so far. A series is read thousands of times, and its labels are kept once.
#[derive(Default)]
struct Shared(BTreeSet<Arc<BTreeMap<String, String>>>);

impl Shared {
    fn share(&mut self, observation: &mut Observation) {
        let Seen::Metric(Reading { answer: Answer::Samples(samples), .. }) = &mut observation.seen else { return };
        samples.shrink_to_fit();
        for sample in samples {
            match self.0.get(&sample.labels) {
                Some(known) => sample.labels = Arc::clone(known),
                // One more than there may be is enough to tell.
                None if self.0.len() <= MAX_SERIES => drop(self.0.insert(Arc::clone(&sample.labels))),
                None => {}
            }
        }
    }
}

/// A whole file, if it is not larger than any that gpuhpa writes there.
fn document(name: &str, file: &mut dyn Read) -> Result<Vec<u8>, OpenError> {
    let mut text = Vec::new();
    let read = file.take(MAX_DOCUMENT + 1).read_to_end(&mut text);
    read.map_err(|e| OpenError::Read { file: name.to_owned(), why: e.to_string() })?;
    within(name, text.len() as u64 <= MAX_DOCUMENT, || format!("it holds more than {MAX_DOCUMENT} bytes"))?;
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
