use std::path::PathBuf;

use super::*;
use crate::env::Bundle;
use crate::evidence::{FinishedRun, begin, finish};
use crate::model::figures::RunFigures;
use crate::model::prediction::RunPrediction;
use crate::model::verdict::CaseResult;

/// A bundle of one test, removed at its end.
struct LoadedBundleFixture(PathBuf);

impl Drop for LoadedBundleFixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl LoadedBundleFixture {
    /// A bundle without cases, with this journal, timeline and requests.
    fn new(name: &str, journal: &str, timeline: &str, requests: &[u8]) -> Self {
        let dir = Self::incomplete(name);
        dir.put("journal.jsonl", journal.as_bytes());
        dir.put("timeline.jsonl", timeline.as_bytes());
        dir.put("requests.jsonl.zst", requests);
        let (scenario, inventory, plan) = (Scenario::default(), Inventory::default(), Plan::default());
        let load = LoadReport { client_bound: Some("slow".to_owned()), ..LoadReport::default() };
        let verdict = Verdict {
            rules: 1,
            suite: "S".to_owned(),
            result: CaseResult::Inconclusive,
            reason: "r".to_owned(),
            stand_in: false,
            rehearsal: false,
            restored: true,
            cases: Vec::new(),
            duration_ms: 0,
            min_duration_ms: 0,
            figures: RunFigures::default(),
        };
        let ending = FinishedRun {
            scenario: &scenario,
            inventory: &inventory,
            plan: &plan,
            journal: &[],
            timeline: &[],
            load: Some(&load),
            verdict: &verdict,
            prediction: &RunPrediction::default(),
        };
        finish(&Bundle::open(&dir.0), &ending).unwrap();
        dir
    }

    fn incomplete(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("gpuhpa-held-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        begin(&Bundle::create(&dir).unwrap(), &Scenario::default(), &Inventory::default(), &Plan::default()).unwrap();
        Self(dir)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn open_error(&self) -> String {
        open_bundle(&self.0).unwrap_err().to_string()
    }
}

const ENTRY: &str = "{\"run\":\"1\",\"change\":0,\"atMs\":1,\"undone\":null}\n";
const GAP: &str = "{\"seq\":0,\"atMs\":7,\"gap\":{\"source\":\"pods\",\"fromMs\":1,\"reason\":\"w\"}}\n";

fn request(id: u64) -> String {
    format!(
        "{{\"id\":{id},\"worker\":0,\"scheduledUs\":1,\"sentUs\":2,\"headersUs\":3,\"firstTokenUs\":4,\"endedUs\":5,\"status\":200,\"outcome\":\"succeeded\",\"chunks\":1,\"largestChunkGapUs\":0,\"tokens\":1,\"serverTotalNs\":null,\"serverLoadNs\":null,\"error\":null}}\n"
    )
}

fn compress(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).unwrap()
}

#[test]
fn what_was_written_is_read_back_from_the_folder_and_from_its_archive() {
    let dir = LoadedBundleFixture::new("back", ENTRY, GAP, &compress(&(request(0) + &request(1))));
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("bundle", &dir.0).unwrap();
    let archive = dir.0.with_extension("tar.zst");
    std::fs::write(&archive, zstd::encode_all(&tar.into_inner().unwrap()[..], 3).unwrap()).unwrap();
    for path in [&dir.0, &archive] {
        let held = open_bundle(path).unwrap();
        assert_eq!((held.journal.len(), held.timeline.len(), held.timeline[0].at_ms), (1, 1, 7));
        assert_eq!(held.verdict.as_ref().unwrap().reason, "r");
        assert_eq!(held.records().client_bound, Some("slow"));
        // The writer's digests and the reader's, of every file, the requests and the README included.
        assert_eq!(held.digests, held.manifest.files);
        assert_eq!(held.digests.len(), 13);
        let mut ids = Vec::new();
        let requests = held.read_requests(&mut |request| ids.push(request.id)).unwrap().unwrap();
        assert_eq!((ids, requests.truncated), (vec![0, 1], None));
        assert_eq!(requests.digest, held.digests["requests.jsonl.zst"]);
    }
    std::fs::remove_file(archive).unwrap();
}

#[test]
fn what_is_not_as_written_is_named_by_file_and_line() {
    let endless = format!("metric: {{profile: {{name: a, labels: {{pod: [{}]}}}}}}", "x, ".repeat(101));
    let cases: [(&str, &[u8], &str); 16] = [
        ("scenario.yaml", endless.as_bytes(), "a list of metric.profile is too long"),
        ("timeline.jsonl", b"{\"seq\":0,\"atMs\":7,\"node\":{\"name\":\"n\",\"ready\":true,\"allocatable\":{\"g\":9223372036854775807}}}\n", "timeline.jsonl:1:88: node.allocatable.* is 9223372036854775807, outside 0..="),
        (
            "timeline.jsonl",
            b"{\"seq\":0,\"atMs\":18446744073709551615,\"clockSkew\":{\"lowMs\":0,\"highMs\":0}}\n",
            "timeline.jsonl:1:36: atMs is 18446744073709551615, outside 0..=31622400000",
        ),
        (
            "timeline.jsonl",
            b"{\"seq\":0,\"atMs\":7,\"clockSkew\":{\"lowMs\":-9223372036854775808,\"highMs\":0}}\n",
            "clockSkew.lowMs is -9223372036854775808, outside",
        ),
        (
            "journal.jsonl",
            b"{\"run\":\"1\",\"change\":4294967295,\"atMs\":1,\"undone\":null}\n",
            "journal.jsonl:1:30: change is 4294967295, outside 0..=1000000",
        ),
        ("timeline.jsonl", b"{\"seq\":0}\n", "timeline.jsonl:1:9: "),
        (
            "timeline.jsonl",
            b"{\"seq\":0,\"atMs\":7,\"gap\":{\"source\":\"\xff\",\"fromMs\":1,\"reason\":\"\"}}\n",
            "invalid unicode",
        ),
        ("timeline.jsonl", &[GAP.as_bytes(), b"\n"].concat(), "timeline.jsonl:2:"),
        ("timeline.jsonl", GAP.trim_end().as_bytes(), "the last line is truncated"),
        ("journal.jsonl", b"{\"run\":", "journal.jsonl:1:"),
        ("verdict.json", b"{\n\"rules\": true", "verdict.json:2:13: invalid type: boolean"),
        ("verdict.json", b"", "verdict.json:1:0: EOF"),
        ("scenario.yaml", b"load:\n  workers: 3\n", "scenario.yaml:2:3: unknown field `workers`"),
        (
            "manifest.json",
            b"{\"format\":1,\"rules\":1,\"run\":\"\",\"complete\":true,\"stamps\":[],\"files\":{}}",
            "format 1, and this",
        ),
        (
            "manifest.json",
            b"{\"format\":2,\"rules\":9999,\"run\":\"\",\"complete\":true,\"stamps\":[],\"files\":{}}",
            "rules 9999, and this",
        ),
        (
            "manifest.json",
            b"{\"format\":2,\"rules\":0,\"run\":\"\",\"complete\":true,\"stamps\":[],\"files\":{}}",
            "rules 0, and this",
        ),
    ];
    for (n, (file, bytes, told)) in cases.iter().enumerate() {
        let dir = LoadedBundleFixture::new(&format!("named-{n}"), ENTRY, GAP, &compress(""));
        dir.put(file, bytes);
        let text = dir.open_error();
        assert!(text.contains(told), "{file} {n}: {text}");
    }
}

#[test]
fn a_bundle_of_another_format_is_read_by_a_gpuhpa_that_knows_it() {
    assert_eq!(OpenError::Format { found: OLDEST_FORMAT - 1 }.hint(), "read it with the gpuhpa that wrote it");
    let later = "read it with the gpuhpa that wrote it, or a later one";
    assert_eq!(OpenError::Format { found: FORMAT + 1 }.hint(), later);
    assert_eq!(OpenError::Rules { found: RULES + 1 }.hint(), later);
}

#[test]
fn a_folder_without_a_manifest_is_a_damaged_bundle_if_it_has_other_records() {
    let dir = LoadedBundleFixture::new("none", "", "", &compress(""));
    std::fs::remove_file(dir.0.join("plan.json")).unwrap();
    assert_eq!(dir.open_error(), "plan.json is missing");
    std::fs::remove_file(dir.0.join("manifest.json")).unwrap();
    let error = open_bundle(&dir.0).unwrap_err();
    assert!(!error.is_not_found() && error.to_string() == "manifest.json is missing", "{error}");
    std::fs::remove_dir_all(&dir.0).unwrap();
    std::fs::create_dir_all(&dir.0).unwrap();
    dir.put("notes.txt", b"mine");
    let error = open_bundle(&dir.0).unwrap_err();
    assert!(error.is_not_found() && error.hint().contains("reports/RUN-ID"), "{error}");
}

#[test]
fn huge_lines_deep_nesting_and_a_million_cases_end_in_an_error() {
    let deep = "[".repeat(100_000);
    let yaml = format!("hpa: {{spec: {deep}");
    let case =
        "{\"name\":\"A/B\",\"result\":\"PASS\",\"reason\":\"\",\"citedSeqs\":[],\"spanMs\":null,\"findings\":[]},";
    let cases = format!("{{\"rules\":1,\"cases\":[{}", case.repeat(1_000_000));
    let long = format!("{{\"seq\":0,\"why\":\"{}\"}}\n", "x".repeat(MAX_LINE));
    let many = ENTRY.repeat(MAX_JOURNAL + 1);
    let hostile = [
        ("timeline.jsonl", &format!("{{\"seq\":{deep}\n"), "timeline.jsonl:1:"),
        ("verdict.json", &format!("{{\"cases\":{deep}"), "verdict.json:1:"),
        ("inventory.json", &format!("{{\"x\":{deep}"), "inventory.json:1:"),
        ("scenario.yaml", &yaml, "scenario.yaml:1:"),
        ("verdict.json", &cases, "it has more than 16777216 bytes"),
        ("timeline.jsonl", &long, "line 1 has more than"),
        ("journal.jsonl", &many, "it has more than 100000 lines"),
    ];
    for (n, (file, text, told)) in hostile.iter().enumerate() {
        let dir = LoadedBundleFixture::new(&format!("hostile-{n}"), ENTRY, GAP, &compress(""));
        dir.put(file, text.as_bytes());
        let complaint = dir.open_error();
        assert!(complaint.contains(told) && complaint.len() < 400, "{file} {n}: {complaint}");
    }
}

#[test]
fn the_bundle_of_a_killed_run_is_read_as_far_as_it_goes() {
    let dir = LoadedBundleFixture::incomplete("killed");
    let whole = compress(&(request(0) + &request(1)));
    dir.put("requests.jsonl.zst", &whole[..whole.len() - 3]);
    dir.put("timeline.jsonl", [GAP, &GAP[..20]].concat().as_bytes());
    let held = open_bundle(&dir.0).unwrap();
    assert_eq!((held.manifest.complete, held.timeline.len(), held.journal.len()), (false, 1, 0));
    assert!(held.verdict.is_none() && held.load.is_none());
    let requests = held.read_requests(&mut |_| {}).unwrap().unwrap();
    assert!(requests.truncated.is_some());
    // Where the run says that it was written to its end, the same is an error.
    let dir = LoadedBundleFixture::new("cut", "", "", &whole[..whole.len() - 3]);
    let error = open_bundle(&dir.0).unwrap().read_requests(&mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("requests.jsonl.zst: could not be read"), "{error}");
}
