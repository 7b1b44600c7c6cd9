//! Each kind of value in the records is altered in turn, and everything that follows from the records is derived anew, as a forger
//! with the program could. What nobody notices then is listed here, each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use gpuhpa::model::verdict::CaseResult;
use serde_json::Value;

use super::bundle::{JudgeTestBundle, sound_bundle};

/// The kinds of values that nothing else in a bundle contradicts, each with its reason. A kind that is noticed is not listed.
const UNNOTICED: &[(&str, &[&str])] = &[
    (
        "helm rendered the chart, which is not in the bundle; `plan` follows from this record alone",
        &[
            "inventory.json charts.*.apiServices[]",
            "inventory.json charts.*.appVersion",
            "inventory.json charts.*.boundRoles[].kind",
            "inventory.json charts.*.boundRoles[].namespace",
            "inventory.json charts.*.boundRoles[].role",
            "inventory.json charts.*.grants[].group",
            "inventory.json charts.*.grants[].resource",
            "inventory.json charts.*.grants[].resourceName",
            "inventory.json charts.*.grants[].role",
            "inventory.json charts.*.grants[].verb",
            "inventory.json charts.*.name",
            "inventory.json charts.*.objects[].apiVersion",
            "inventory.json charts.*.objects[].kind",
            "inventory.json charts.*.objects[].name",
            "inventory.json charts.*.objects[].namespace",
            "inventory.json charts.*.objects[].plural",
            "inventory.json charts.*.renderedDigest",
            "inventory.json charts.*.targetReplicas",
            "inventory.json charts.*.targetResources.nvidia.com/gpu",
            "inventory.json charts.*.version",
        ],
    ),
    (
        "the build is compared where a bundle is judged under other rules",
        &["inventory.json gpuhpaCommit", "inventory.json gpuhpaVersion"],
    ),
    (
        "recorded once",
        &[
            "inventory.json helmVersion",
            "inventory.json kubeContext",
            "inventory.json kubernetesVersion",
            "inventory.json server",
        ],
    ),
    (
        "a node may change, or go, between the inventory and the run",
        &[
            "inventory.json nodeAddresses[]",
            "inventory.json nodes[].allocatable.*",
            "inventory.json nodes[].name",
            "inventory.json nodes[].ready",
        ],
    ),
    (
        "which rights are asked depends on what the cluster answered; a denied one is noticed",
        &[
            "inventory.json permissions[].group",
            "inventory.json permissions[].namespace",
            "inventory.json permissions[].purpose",
            "inventory.json permissions[].required",
            "inventory.json permissions[].resource",
            "inventory.json permissions[].resourceName",
            "inventory.json permissions[].verb",
        ],
    ),
    ("only the HPA and the Service are watched; this is the Lease's", &["journal.jsonl done.uid"]),
    (
        "a request has its largest gap alone, which is compared",
        &[
            "load.json chunkGapUs.count",
            "load.json chunkGapUs.min",
            "load.json chunkGapUs.p50",
            "load.json chunkGapUs.p90",
            "load.json chunkGapUs.p99",
        ],
    ),
    (
        "the client's own timers; no request has them",
        &[
            "load.json timerDelayUs.count",
            "load.json timerDelayUs.max",
            "load.json timerDelayUs.min",
            "load.json timerDelayUs.p50",
            "load.json timerDelayUs.p90",
            "load.json timerDelayUs.p99",
        ],
    ),
    ("measured once; creation times bound it", &["timeline.jsonl clockSkew.highMs", "timeline.jsonl clockSkew.lowMs"]),
    (
        "an event is told once; those of size changes are compared with them",
        &[
            "timeline.jsonl event.component",
            "timeline.jsonl event.count",
            "timeline.jsonl event.firstTimestamp",
            "timeline.jsonl event.lastTimestamp",
            "timeline.jsonl event.message",
            "timeline.jsonl event.object",
            "timeline.jsonl event.reason",
            "timeline.jsonl event.type",
            "timeline.jsonl event.uid",
        ],
    ),
    (
        "a status between others; those that decide are compared with size changes and readings",
        &[
            "timeline.jsonl hpa.conditions[].lastTransitionTime",
            "timeline.jsonl hpa.conditions[].message",
            "timeline.jsonl hpa.conditions[].reason",
            "timeline.jsonl hpa.conditions[].status",
            "timeline.jsonl hpa.conditions[].type",
            "timeline.jsonl hpa.currentMetrics[].averageValue",
            "timeline.jsonl hpa.currentReplicas",
            "timeline.jsonl hpa.desiredReplicas",
            "timeline.jsonl hpa.lastScaleTime",
            "timeline.jsonl hpa.observedGeneration",
        ],
    ),
    ("of the last observation it is compared", &["timeline.jsonl load.ttftP50Us"]),
    (
        "one reading among many; readings are what a platform shows",
        &[
            "timeline.jsonl metric.result.failed",
            "timeline.jsonl metric.result.notReadable",
            "timeline.jsonl metric.result.samples[].labels.*",
            "timeline.jsonl metric.result.samples[].object",
            "timeline.jsonl metric.result.samples[].timestamp",
            "timeline.jsonl metric.result.samples[].value",
        ],
    ),
    ("a node may change at any time", &["timeline.jsonl node.allocatable.*"]),
    (
        "a pod may change at any time",
        &[
            "timeline.jsonl pod.allocatedDevices[]",
            "timeline.jsonl pod.labels.*",
            "timeline.jsonl pod.phase",
            "timeline.jsonl pod.ready",
            "timeline.jsonl pod.readySince",
        ],
    ),
    (
        "what a pod answered once",
        &[
            "timeline.jsonl probe.modelDigest",
            "timeline.jsonl probe.modelSize",
            "timeline.jsonl probe.modelSizeVram",
            "timeline.jsonl probe.notDelivered",
            "timeline.jsonl probe.status",
            "timeline.jsonl probe.tokens",
        ],
    ),
    ("a source's own time, for readers", &["timeline.jsonl sourceTime"]),
    (
        "a status between others; those that decide are compared",
        &[
            "timeline.jsonl workload.observedGeneration",
            "timeline.jsonl workload.readyReplicas",
            "timeline.jsonl workload.replicasManagers[].manager",
            "timeline.jsonl workload.replicasManagers[].operation",
            "timeline.jsonl workload.replicasManagers[].subresource",
            "timeline.jsonl workload.replicasManagers[].time",
        ],
    ),
];

/// A value: its place in a file, and its kind, in which indices and names of data are left out.
struct Leaf {
    file: &'static str,
    line: usize,
    pointer: String,
}

const DOCUMENTS: [&str; 2] = ["inventory.json", "load.json"];
const LINES: [&str; 2] = ["timeline.jsonl", "journal.jsonl"];
/// Maps whose keys are data.
const DATA_MAPS: [&str; 9] = [
    "labels",
    "selector",
    "allocatable",
    "extendedResources",
    "outcomes",
    "errorExamples",
    "failures",
    "charts",
    "metricsApis",
];

fn collect_leaves(
    file: &'static str,
    line: usize,
    value: &Value,
    at: (&str, &str),
    found: &mut BTreeMap<String, Vec<Leaf>>,
) {
    let (pointer, kind) = at;
    match value {
        Value::Object(map) => {
            let is_data = DATA_MAPS.iter().any(|name| kind.ends_with(name));
            for (key, value) in map {
                let name = if is_data { "*" } else { key.as_str() };
                let escaped = key.replace('~', "~0").replace('/', "~1");
                collect_leaves(file, line, value, (&format!("{pointer}/{escaped}"), &format!("{kind}.{name}")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect_leaves(file, line, value, (&format!("{pointer}/{index}"), &format!("{kind}[]")), found);
            }
        }
        Value::Null => {}
        _ => found.entry(format!("{file} {}", kind.trim_start_matches('.'))).or_default().push(Leaf {
            file,
            line,
            pointer: pointer.to_owned(),
        }),
    }
}

fn alter(value: &mut Value) {
    *value = match &*value {
        Value::Bool(flag) => Value::Bool(!flag),
        Value::Number(number) => {
            number.as_i64().map_or(Value::from(7.5), |number| Value::from(number + number / 2 + 1))
        }
        Value::String(text) => Value::String(alter_text(text)),
        other => other.clone(),
    };
}

/// Another text of the same form: another year, another hexadecimal digit, another number.
fn alter_text(text: &str) -> String {
    match text.chars().position(|c| c.is_ascii_digit()) {
        Some(at) => {
            let other = |(index, c): (usize, char)| match c.to_digit(10).filter(|_| index == at) {
                Some(digit) => char::from_digit((digit + 1) % 10, 10).unwrap_or(c),
                None => c,
            };
            text.chars().enumerate().map(other).collect()
        }
        None => format!("{text}x"),
    }
}

fn parse_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// True when a reader of the altered bundle learns of it: an error, a difference, or another result.
fn is_noticed(bundle: &JudgeTestBundle) -> bool {
    let Ok(held) = gpuhpa::evidence::open_bundle(&bundle.0) else { return true };
    let inventory = serde_json::from_slice(&bundle.read("inventory.json")).expect("an inventory");
    let plan = gpuhpa::plan::plan(&held.scenario, &inventory, &held.manifest.run);
    bundle.write("plan.json", &serde_json::to_vec(&plan).expect("a plan"));
    bundle.seal();
    !bundle.review().is_ok_and(|review| {
        review.verdict.result == CaseResult::Pass && review.checks.iter().all(|check| check.differences.is_empty())
    })
}

/// The kinds of which an altered value is not noticed.
fn find_unnoticed(name: &str, kinds: &[(&String, &Vec<Leaf>)]) -> Vec<String> {
    let bundle = sound_bundle(name, "bundles/rig-healthy");
    let originals: Vec<(String, Vec<u8>)> =
        bundle.file_names().into_iter().map(|name| (name.clone(), bundle.read(&name))).collect();
    let mut unnoticed = Vec::new();
    for (kind, leaves) in kinds {
        // Of several values of a kind the middle one: the first and the last are often known from elsewhere.
        let leaf = &leaves[leaves.len() / 2];
        let text = bundle.read_text(leaf.file);
        let is_document = DOCUMENTS.contains(&leaf.file);
        let mut values =
            if is_document { vec![serde_json::from_str(&text).expect("JSON")] } else { parse_lines(&text) };
        alter(values[leaf.line].pointer_mut(&leaf.pointer).expect("the value"));
        let altered: String = values.iter().map(|value| format!("{value}\n")).collect();
        bundle.write(leaf.file, altered.as_bytes());
        if !is_noticed(&bundle) {
            unnoticed.push((*kind).clone());
        }
        for (name, bytes) in &originals {
            bundle.write(name, bytes);
        }
    }
    unnoticed
}

#[test]
fn an_altered_value_is_noticed_or_its_kind_is_listed() {
    let bundle = sound_bundle("leaves", "bundles/rig-healthy");
    let mut found = BTreeMap::new();
    for file in DOCUMENTS {
        let value = serde_json::from_slice(&bundle.read(file)).expect("JSON");
        collect_leaves(file, 0, &value, ("", ""), &mut found);
    }
    for file in LINES {
        for (line, value) in parse_lines(&bundle.read_text(file)).iter().enumerate() {
            collect_leaves(file, line, value, ("", ""), &mut found);
        }
    }
    assert!(found.len() > 150, "{}", found.len());
    assert_eq!(bundle.differences(), Vec::<String>::new(), "nothing is altered yet");
    // Half of the kinds each, in a bundle of its own.
    let kinds: Vec<_> = found.iter().collect();
    let halves = kinds.split_at(kinds.len() / 2);
    let unnoticed: Vec<String> = std::thread::scope(|scope| {
        let first = scope.spawn(|| find_unnoticed("leaves-1", halves.0));
        let second = find_unnoticed("leaves-2", halves.1);
        first.join().expect("the other half").into_iter().chain(second).collect()
    });
    let unnoticed: BTreeSet<&str> = unnoticed.iter().map(String::as_str).collect();
    let listed: BTreeSet<&str> = UNNOTICED.iter().flat_map(|(_, kinds)| kinds.iter().copied()).collect();
    let unlisted: Vec<_> = unnoticed.difference(&listed).collect();
    let noticed: Vec<_> = listed.difference(&unnoticed).collect();
    assert!(unlisted.is_empty() && noticed.is_empty(), "not listed: {unlisted:#?}\nlisted, and noticed: {noticed:#?}");
}

#[test]
fn a_key_that_no_record_has_is_refused() {
    let bundle = sound_bundle("keys", "bundles/rig-healthy");
    let mut objects: BTreeMap<String, (&str, usize, String)> = BTreeMap::new();
    for file in DOCUMENTS.into_iter().chain(LINES) {
        let text = bundle.read_text(file);
        let values = if DOCUMENTS.contains(&file) {
            vec![serde_json::from_str(&text).expect("JSON")]
        } else {
            parse_lines(&text)
        };
        for (line, value) in values.iter().enumerate() {
            collect_objects(value, ("", ""), &mut |pointer, kind| {
                objects.insert(format!("{file} {kind}"), (file, line, pointer.to_owned()));
            });
        }
    }
    let mut accepted = Vec::new();
    for (kind, (file, line, pointer)) in &objects {
        let text = bundle.read_text(file);
        let is_document = DOCUMENTS.contains(file);
        let mut values =
            if is_document { vec![serde_json::from_str(&text).expect("JSON")] } else { parse_lines(&text) };
        values[*line].pointer_mut(pointer).expect("the object")["note"] = Value::from("looked fine to me");
        let altered: String = values.iter().map(|value| format!("{value}\n")).collect();
        bundle.write(file, altered.as_bytes());
        if gpuhpa::evidence::open_bundle(&bundle.0).is_ok() {
            accepted.push(kind.clone());
        }
        bundle.write(file, text.as_bytes());
    }
    assert!(objects.len() > 25, "{}", objects.len());
    assert!(accepted.is_empty(), "{accepted:#?}");
}

fn collect_objects(value: &Value, at: (&str, &str), found: &mut impl FnMut(&str, &str)) {
    let (pointer, kind) = at;
    match value {
        Value::Object(map) => {
            if DATA_MAPS.iter().any(|name| kind.ends_with(name)) {
                return;
            }
            found(pointer, kind);
            for (key, value) in map {
                collect_objects(value, (&format!("{pointer}/{key}"), &format!("{kind}.{key}")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect_objects(value, (&format!("{pointer}/{index}"), &format!("{kind}[]")), found);
            }
        }
        _ => {}
    }
}
