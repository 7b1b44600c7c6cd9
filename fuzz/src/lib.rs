//! What each fuzz target does with its input. Nothing is asserted but that it ends: no panic, no endless loop, bounded
//! memory; and where something was read, that it is written and read back the same.

use std::path::PathBuf;

use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::manifest::Manifest;
use gpuhpa::model::observation::Observation;
use gpuhpa::model::plan::Plan;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::{evidence, run};

/// Any bytes as an archive that somebody hands over; true if it was read and judged.
pub fn archive(data: &[u8]) -> bool {
    let Some(file) = ScratchFile::with_contents(data) else { return false };
    evidence::open_bundle(&file.0).is_ok_and(|held| run::review_bundle(&held).is_ok())
}

/// Files of a bundle, each after a line `=== NAME`; what every bundle has and this one lacks is added. It is read, and
/// judged as any other: true if it was.
pub fn bundle(data: &[u8]) -> bool {
    let mut tar = tar::Builder::new(Vec::new());
    let mut names = Vec::new();
    let mut put = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // A name that a header cannot hold is none that a tar can bring.
        let _ = tar.append_data(&mut header, name, bytes);
        names.push(name.to_owned());
    };
    for part in split_files(data) {
        let end = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
        let name = String::from_utf8_lossy(&part[..end]);
        put(&name, part.get(end + 1..).unwrap_or_default());
    }
    let manifest = Manifest {
        format: 1,
        run: "20261124-130934-541".to_owned(),
        complete: true,
        stamps: Vec::new(),
        files: Default::default(),
    };
    let usual = [
        ("manifest.json", serde_json::to_vec(&manifest)),
        ("scenario.yaml", Ok(serde_saphyr::to_string(&Scenario::default()).unwrap_or_default().into_bytes())),
        ("inventory.json", serde_json::to_vec(&Inventory { hpa_served: true, ..Inventory::default() })),
        ("plan.json", serde_json::to_vec(&Plan::default())),
    ];
    for (name, bytes) in usual {
        if !split_files(data).any(|part| part.starts_with(name.as_bytes())) {
            put(name, &bytes.unwrap_or_default());
        }
    }
    archive(&tar.into_inner().unwrap_or_default())
}

fn split_files(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let marks: Vec<usize> = (0..data.len()).filter(|at| data[*at..].starts_with(b"=== ")).collect();
    let ends: Vec<usize> = marks.iter().skip(1).copied().chain([data.len()]).collect();
    marks.into_iter().zip(ends).map(move |(from, to)| &data[from + 4..to])
}

/// A line of timeline.jsonl; true if it is one.
pub fn observation(data: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<Observation>(data) else { return false };
    let line = serde_json::to_vec(&read).unwrap_or_default();
    let again: Option<Observation> = serde_json::from_slice(&line).ok();
    assert!(again.as_ref() == Some(&read), "{read:?} is not what is read back: {again:?}");
    true
}

/// A scenario as a bundle holds it; true if it is one.
pub fn scenario(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(scenario) = serde_saphyr::from_str::<Scenario>(text) else { return false };
    gpuhpa::plan::plan(&scenario, &Inventory::default(), "1").run == "1"
}

/// A file of this process, in memory where the system has such a folder.
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
