//! Draws report.html anew from the records of a bundle: `cargo run --example report -- BUNDLE > report.html`. Records without
//! a verdict are judged. For whoever works on the report; a run writes its own.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use gpuhpa::evidence::{Ending, report};
use gpuhpa::judge::{judge, predict};
use gpuhpa::record::load::LoadReport;
use gpuhpa::record::records::Records;

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("name a bundle's folder")?);
    let read =
        |file: &str| std::fs::read_to_string(folder.join(file)).with_context(|| format!("could not read {file}"));
    let scenario = &serde_saphyr::from_str(&read("scenario.yaml")?)?;
    let (inventory, plan) =
        (&serde_json::from_str(&read("inventory.json")?)?, &serde_json::from_str(&read("plan.json")?)?);
    // A run that did not begin has neither.
    let journal: Vec<_> = lines(&read("journal.jsonl").unwrap_or_default())?;
    let timeline: Vec<_> = lines(&read("timeline.jsonl").unwrap_or_default())?;
    let load: Option<LoadReport> = read("load.json").ok().map(|text| serde_json::from_str(&text)).transpose()?;
    let load_void = load.as_ref().and_then(|report| report.void.as_deref());
    let records = Records { scenario, inventory, journal: &journal, timeline: &timeline, load_void };
    let verdict = match read("verdict.json") {
        Ok(text) => &serde_json::from_str(&text)?,
        Err(_) => &judge(records),
    };
    let prediction = &predict(records);
    let ending = Ending {
        scenario,
        inventory,
        plan,
        journal: &journal,
        timeline: &timeline,
        load: load.as_ref(),
        verdict,
        prediction,
    };
    std::io::stdout().write_all(report(&ending).as_bytes()).context("could not write")
}

/// One record a line.
fn lines<T: serde::de::DeserializeOwned>(text: &str) -> anyhow::Result<Vec<T>> {
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
