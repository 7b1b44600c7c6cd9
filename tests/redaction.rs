//! Secrets planted in every text that a cluster, a chart, a kubeconfig or a server can hand over: none is kept.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gpuhpa::clock::RunClock;
use gpuhpa::env::{Bundle, Redactor, TimelineWriter};
use gpuhpa::evidence;
use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::observation::Observation;
use gpuhpa::model::plan::Plan;
use gpuhpa::model::scenario::Scenario;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What is planted, and may stand nowhere: known by a name in the chart's values, by a name in the kubeconfig, and by their
/// forms; a path of the home folder, and a node's name.
const PLANTED: &[&str] = &[
    "v4lue-of-the-chart",
    "t0ken-of-the-kubeconfig",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl",
    "pa55word-in-a-url",
    "MHcCAQEEIPlanted",
    "/home/planted/",
    "gpu-7.planted.example",
];

/// All of it in one text.
fn secrets() -> String {
    format!(
        " {} {} Bearer {} http://me:{}@prom:9090 -----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY----- {}.kube {} ",
        PLANTED[0], PLANTED[1], PLANTED[2], PLANTED[3], PLANTED[4], PLANTED[5], PLANTED[6]
    )
}

/// The value with the text planted at the end of every string that may hold it, one at a time where all at once is no
/// such value any more (an enum, a time); and how many it was.
fn plant<T: Serialize + DeserializeOwned>(value: &T) -> (T, usize) {
    let mut json = serde_json::to_value(value).expect("JSON");
    let mut places = Vec::new();
    strings(&json, &mut String::new(), &mut places);
    let mut count = 0;
    for place in places {
        let mut tried = json.clone();
        let Some(Value::String(text)) = tried.pointer_mut(&place) else { continue };
        text.push_str(&secrets());
        if serde_json::from_value::<T>(tried.clone()).is_ok() {
            json = tried;
            count += 1;
        }
    }
    (serde_json::from_value(json).expect("each string was tried"), count)
}

/// The JSON pointers of all strings.
fn strings(value: &Value, at: &mut String, places: &mut Vec<String>) {
    let mut deeper = |key: &str, value: &Value| {
        let length = at.len();
        *at += &format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        strings(value, at, places);
        at.truncate(length);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| deeper(&n.to_string(), item)),
        Value::Object(map) => map.iter().for_each(|(key, value)| deeper(key, value)),
        Value::String(_) => places.push(at.clone()),
        _ => {}
    }
}

fn covered_bundle(dir: &Path) -> Bundle {
    let bundle =
        Bundle::create(dir).expect("an empty folder").with_redactor(Redactor::new(Some("/home/planted".to_owned())));
    let cover: &Arc<Redactor> = bundle.redactor();
    cover.redact_hosts();
    cover.add_host("NODE", PLANTED[6]);
    cover.redact_object(&mut json!([{"name": "admin", "user": {"token": PLANTED[1]}}]));
    bundle
}

/// Fails with the place of the first planted text.
fn nothing_planted(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        for planted in PLANTED {
            assert!(!text.contains(planted), "{planted} stands in {}", path.display());
        }
    }
}

#[test]
fn planted_secrets_are_kept_nowhere() {
    let dir = std::env::temp_dir().join(format!("gpuhpa-planted-{}", std::process::id()));
    let bundle = covered_bundle(&dir);
    let fixture = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/timelines").join(name);
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("a fixture");

    let mut scenario: Scenario =
        serde_saphyr::from_str(&read(fixture("rig-healthy/scenario.yaml"))).expect("a scenario");
    scenario = plant(&scenario).0;
    let release = scenario.releases.values_mut().next().expect("a release");
    release.values.insert("extraEnv".to_owned(), json!([{"name": "HF_TOKEN", "value": PLANTED[0]}]));
    let inventory: Inventory =
        serde_json::from_str(&read(fixture("rig-healthy/inventory.json"))).expect("an inventory");
    let (inventory, facts) = plant(&inventory);
    let kept = evidence::begin(&bundle, &scenario, &inventory, &Plan::default()).expect("a bundle");

    let book = TimelineWriter::new(RunClock::start(), bundle);
    let mut texts = 0;
    for run in ["rig-healthy", "rig-adapter-away", "rig-hpa-controller-off", "rig-one-gpu"] {
        for line in read(fixture(&format!("{run}/timeline.jsonl"))).lines() {
            let observation: Observation = serde_json::from_str(line).expect("an observation");
            let (seen, count) = plant(&observation.kind);
            book.record(seen, observation.source_time);
            texts += count;
        }
    }
    assert!(book.take_failure().is_none());
    assert!(facts > 50 && texts > 1000, "{facts} and {texts} texts were planted in");
    nothing_planted(&dir);

    // What is judged is what was kept.
    let held: Vec<Observation> =
        read(dir.join("timeline.jsonl")).lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    book.with_observations(|timeline| assert_eq!(timeline, held));
    let stored: Inventory = serde_json::from_str(&read(dir.join("inventory.json"))).expect("an inventory");
    assert_eq!(kept.inventory, stored);
    std::fs::remove_dir_all(dir).expect("the folder");
}
