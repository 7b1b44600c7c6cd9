//! The fuzz targets. They assert that each input ends without a panic, an endless loop or unbounded memory, and that an
//! observation survives a round trip.

use std::path::PathBuf;

use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::manifest::Manifest;
use gpuhpa::model::observation::Observation;
use gpuhpa::model::plan::Plan;
use gpuhpa::model::revision::FORMAT;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::{evidence, run};

/// Opens the input as an archive of a bundle; true if the bundle was read and reviewed.
pub fn archive(data: &[u8]) -> bool {
    let Some(file) = ScratchFile::with_contents(data) else { return false };
    evidence::open_bundle(&file.0).is_ok_and(|bundle| run::review_bundle(&bundle).is_ok())
}

/// Makes an archive of the files in the input, each after a line `=== NAME`, and adds the required files that it lacks;
/// true if the bundle was read and reviewed.
pub fn bundle(data: &[u8]) -> bool {
    let mut tar = tar::Builder::new(Vec::new());
    let mut names = Vec::new();
    let mut append = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Ignores the error: an archive cannot have a name that does not fit into a header.
        let _ = tar.append_data(&mut header, name, bytes);
        names.push(name.to_owned());
    };
    for part in split_files(data) {
        let end = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
        let name = String::from_utf8_lossy(&part[..end]);
        append(&name, part.get(end + 1..).unwrap_or_default());
    }
    let manifest = Manifest {
        format: FORMAT,
        rules: 1,
        run: "20261124-130934-541".to_owned(),
        complete: true,
        stamps: Vec::new(),
        files: Default::default(),
    };
    let required = [
        ("manifest.json", serde_json::to_vec(&manifest)),
        ("scenario.yaml", Ok(serde_saphyr::to_string(&Scenario::default()).unwrap_or_default().into_bytes())),
        ("inventory.json", serde_json::to_vec(&Inventory { hpa_served: true, ..Inventory::default() })),
        ("plan.json", serde_json::to_vec(&Plan::default())),
    ];
    for (name, bytes) in required {
        if !split_files(data).any(|part| part.starts_with(name.as_bytes())) {
            append(name, &bytes.unwrap_or_default());
        }
    }
    archive(&tar.into_inner().unwrap_or_default())
}

fn split_files(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let marks: Vec<usize> = (0..data.len()).filter(|at| data[*at..].starts_with(b"=== ")).collect();
    let ends: Vec<usize> = marks.iter().skip(1).copied().chain([data.len()]).collect();
    marks.into_iter().zip(ends).map(move |(from, to)| &data[from + 4..to])
}

/// Parses a line of timeline.jsonl, and compares it with its round trip; true if it is valid.
pub fn observation(data: &[u8]) -> bool {
    let Ok(parsed) = serde_json::from_slice::<Observation>(data) else { return false };
    let line = serde_json::to_vec(&parsed).unwrap_or_default();
    let reparsed: Option<Observation> = serde_json::from_slice(&line).ok();
    assert!(reparsed.as_ref() == Some(&parsed), "{parsed:?} is {reparsed:?} after a round trip");
    true
}

/// Parses the scenario of a bundle, and plans it; true if it is valid.
pub fn scenario(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(scenario) = serde_saphyr::from_str::<Scenario>(text) else { return false };
    gpuhpa::plan::plan(&scenario, &Inventory::default(), "1").run == "1"
}

/// A temporary file of this process and thread, in memory if the system has /dev/shm.
struct ScratchFile(PathBuf);

impl ScratchFile {
    fn with_contents(data: &[u8]) -> Option<Self> {
        let memory = PathBuf::from("/dev/shm");
        let dir = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-");
        let path = dir.join(format!("gpuhpa-fuzz-{}-{thread}", std::process::id()));
        std::fs::write(&path, data).ok()?;
        Some(Self(path))
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
