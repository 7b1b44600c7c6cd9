//! Inserts secrets into every text that comes from a cluster, a chart, a kubeconfig or a server; no file of the bundle contains
//! one.

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

/// The inserted secrets, which no file may contain: by a key of the chart's values, by a key of the kubeconfig, by patterns; a
/// path of the home folder, and a node's name.
const SECRETS: &[&str] = &[
    "v4lue-of-the-chart",
    "t0ken-of-the-kubeconfig",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl",
    "pa55word-in-a-url",
    "MHcCAQEEIPlanted",
    "/home/planted/",
    "gpu-7.planted.example",
];

/// All secrets in one text.
fn secrets() -> String {
    format!(
        " {} {} Bearer {} http://me:{}@prom:9090 -----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY----- {}.kube {} ",
        SECRETS[0], SECRETS[1], SECRETS[2], SECRETS[3], SECRETS[4], SECRETS[5], SECRETS[6]
    )
}

/// Appends the secrets to every string of the value that may have any text (not to enums and times). Returns the number of
/// these strings too.
fn insert_secrets<T: Serialize + DeserializeOwned>(value: &T) -> (T, usize) {
    let mut json = serde_json::to_value(value).expect("JSON");
    let mut pointers = Vec::new();
    strings(&json, &mut String::new(), &mut pointers);
    let mut count = 0;
    for pointer in pointers {
        let mut changed = json.clone();
        let Some(Value::String(text)) = changed.pointer_mut(&pointer) else { continue };
        text.push_str(&secrets());
        if serde_json::from_value::<T>(changed.clone()).is_ok() {
            json = changed;
            count += 1;
        }
    }
    (serde_json::from_value(json).expect("each change was checked"), count)
}

/// The JSON pointers of all strings.
fn strings(value: &Value, pointer: &mut String, pointers: &mut Vec<String>) {
    let mut deeper = |key: &str, value: &Value| {
        let length = pointer.len();
        *pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        strings(value, pointer, pointers);
        pointer.truncate(length);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| deeper(&n.to_string(), item)),
        Value::Object(map) => map.iter().for_each(|(key, value)| deeper(key, value)),
        Value::String(_) => pointers.push(pointer.clone()),
        _ => {}
    }
}

fn redacted_bundle(dir: &Path) -> Bundle {
    let bundle =
        Bundle::create(dir).expect("an empty folder").with_redactor(Redactor::new(Some("/home/planted".to_owned())));
    let redactor: &Arc<Redactor> = bundle.redactor();
    redactor.redact_hosts();
    redactor.add_host("NODE", SECRETS[6]);
    redactor.redact_object(&mut json!([{"name": "admin", "user": {"token": SECRETS[1]}}]));
    bundle
}

/// Fails if a file contains a secret.
fn assert_no_secrets(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is in {}", path.display());
        }
    }
}

#[test]
fn no_file_contains_an_inserted_secret() {
    let dir = std::env::temp_dir().join(format!("gpuhpa-redaction-{}", std::process::id()));
    let bundle = redacted_bundle(&dir);
    let fixture = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/timelines").join(name);
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("a fixture");

    let mut scenario: Scenario =
        serde_saphyr::from_str(&read(fixture("rig-healthy/scenario.yaml"))).expect("a scenario");
    scenario = insert_secrets(&scenario).0;
    let release = scenario.releases.values_mut().next().expect("a release");
    release.values.insert("extraEnv".to_owned(), json!([{"name": "HF_TOKEN", "value": SECRETS[0]}]));
    let inventory: Inventory =
        serde_json::from_str(&read(fixture("rig-healthy/inventory.json"))).expect("an inventory");
    let (inventory, inventory_texts) = insert_secrets(&inventory);
    let redacted = evidence::begin(&bundle, &scenario, &inventory, &Plan::default()).expect("a bundle");

    let writer = TimelineWriter::new(RunClock::start(), bundle);
    let mut timeline_texts = 0;
    for run in ["rig-healthy", "rig-adapter-away", "rig-hpa-controller-off", "rig-one-gpu"] {
        for line in read(fixture(&format!("{run}/timeline.jsonl"))).lines() {
            let observation: Observation = serde_json::from_str(line).expect("an observation");
            let (kind, count) = insert_secrets(&observation.kind);
            writer.record(kind, observation.source_time);
            timeline_texts += count;
        }
    }
    assert!(writer.take_failure().is_none());
    assert!(
        inventory_texts > 50 && timeline_texts > 1000,
        "only {inventory_texts} and {timeline_texts} texts were changed"
    );
    assert_no_secrets(&dir);

    // The timeline in memory, from which the verdict is derived, is the stored one.
    let stored_timeline: Vec<Observation> =
        read(dir.join("timeline.jsonl")).lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    writer.with_observations(|timeline| assert_eq!(timeline, stored_timeline));
    let stored: Inventory = serde_json::from_str(&read(dir.join("inventory.json"))).expect("an inventory");
    assert_eq!(redacted.inventory, stored);
    std::fs::remove_dir_all(dir).expect("the folder");
}
