//! Builds a bundle from records: `build-bundle RECORDS BUNDLE` copies the files that a run writes as it proceeds, derives the other
//! files from them, and writes the manifest, as the end of a run does.

use std::path::Path;
use std::process::ExitCode;

use gpuhpa::env::Bundle;
use gpuhpa::evidence;
use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::run::{reissue_verdict, run_id};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let [_, from, to] = args.as_slice() else { return ExitCode::from(2) };
    match build_bundle(Path::new(from), Path::new(to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("error: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn build_bundle(from: &Path, to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let scenario: Scenario = serde_saphyr::from_str(&std::fs::read_to_string(from.join("scenario.yaml"))?)?;
    let inventory: Inventory = serde_json::from_slice(&std::fs::read(from.join("inventory.json"))?)?;
    let plan = gpuhpa::plan::plan(&scenario, &inventory, &run_id(inventory.started));
    let bundle = Bundle::create(to)?;
    evidence::begin(&bundle, &scenario, &inventory, &plan)?;
    for name in ["journal.jsonl", "timeline.jsonl", "requests.jsonl.zst", "load.json"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name))?;
        }
    }
    reissue_verdict(&evidence::open_bundle(to)?, &bundle)?;
    Ok(())
}
