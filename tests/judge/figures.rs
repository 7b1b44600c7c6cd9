//! Each kind of number in the records is replaced by the largest ones that JSON can hold, and by large ones that a record may
//! have: a review ends, without an overflow.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::bundle::{JudgeTestBundle, sound_bundle};

/// The files with numbers, and whether each is one record or one in each line.
const FILES: [(&str, bool); 7] = [
    ("inventory.json", false),
    ("plan.json", false),
    ("load.json", false),
    ("verdict.json", false),
    ("timeline.jsonl", true),
    ("journal.jsonl", true),
    ("requests.jsonl.zst", true),
];
/// Kinds of numbers that may be anything: metric values in thousandths, and seeds.
const ANY: [&str; 5] = ["Metrics.value", "Metrics.averageValue", "samples.value", "sizes.metricMean", "simulated.seed"];
/// 366 days in microseconds, in milliseconds and in seconds, and smaller ones: the largest that is accepted is reviewed.
const LARGE: [u64; 7] = [1 << 53, 31_622_400_000_000, 31_622_400_000, 31_622_400, 1_000_000, 60_000, 1000];

/// One number of its kind: file, line, and JSON pointer.
type Place = (&'static str, usize, String);

/// The records of a file.
fn records(bundle: &JudgeTestBundle, file: &str, has_lines: bool) -> Vec<Value> {
    let bytes = bundle.read(file);
    let bytes = if file.ends_with(".zst") { zstd::decode_all(&bytes[..]).expect("requests") } else { bytes };
    let text = String::from_utf8(bytes).expect("text");
    let parse = |text: &str| serde_json::from_str(text).expect("JSON");
    if has_lines { text.lines().map(parse).collect() } else { vec![parse(&text)] }
}

fn write_records(bundle: &JudgeTestBundle, file: &str, records: &[Value]) {
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    let bytes = if file.ends_with(".zst") { zstd::encode_all(text.as_bytes(), 1).expect("zstd") } else { text.into() };
    bundle.write(file, &bytes);
}

fn collect_numbers(value: &Value, at: (&str, &str), found: &mut impl FnMut(&str, &str)) {
    let (pointer, kind) = at;
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                collect_numbers(value, (&format!("{pointer}/{escaped}"), &format!("{kind}.{key}")), found);
            }
        }
        Value::Array(items) => {
            let inner = items.iter().enumerate();
            inner.for_each(|(n, value)| collect_numbers(value, (&format!("{pointer}/{n}"), kind), found));
        }
        Value::Number(_) => found(pointer, kind),
        _ => {}
    }
}

/// The middle one of the numbers of each kind.
fn find_kinds(bundle: &JudgeTestBundle) -> BTreeMap<String, Place> {
    let mut all: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for (file, has_lines) in FILES {
        for (line, record) in records(bundle, file, has_lines).iter().enumerate() {
            collect_numbers(record, ("", ""), &mut |pointer, kind| {
                all.entry(format!("{file} {kind}")).or_default().push((file, line, pointer.to_owned()));
            });
        }
    }
    all.into_iter().map(|(kind, mut places)| (kind, places.swap_remove(places.len() / 2))).collect()
}

/// Whether the bundle is read with this number at this place, and the panic of its review.
fn review_with(bundle: &JudgeTestBundle, place: &Place, number: Value) -> Result<bool, String> {
    let (file, line, pointer) = place;
    let original = bundle.read(file);
    let has_lines = FILES.iter().any(|(name, has_lines)| name == file && *has_lines);
    let mut records = records(bundle, file, has_lines);
    *records[*line].pointer_mut(pointer).expect("the number") = number;
    write_records(bundle, file, &records);
    let review = catch_unwind(AssertUnwindSafe(|| bundle.review().is_ok()));
    bundle.write(file, &original);
    review.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// What is wrong with the review of each of these kinds.
fn find_problems(name: &str, kinds: &[(String, Place)]) -> Vec<String> {
    let bundle = sound_bundle(name, "bundles/rig-healthy");
    let mut problems = Vec::new();
    for (index, (kind, place)) in kinds.iter().enumerate() {
        let third = [json!(i64::MAX), json!(1_u64 << 62), json!(1e300), json!(18_446_744_073_709_551_u64)];
        for number in [json!(i64::MIN), json!(u64::MAX), third[index % third.len()].clone()] {
            match review_with(&bundle, place, number.clone()) {
                Ok(true) if !ANY.iter().any(|end| kind.ends_with(end)) => {
                    problems.push(format!("{kind}: {number} was accepted"));
                }
                Ok(_) => {}
                Err(panic) => problems.push(format!("{kind}: {number}: {panic}")),
            }
        }
        for number in LARGE {
            match review_with(&bundle, place, json!(number)) {
                Ok(true) => break,
                Ok(false) => {}
                Err(panic) => problems.push(format!("{kind}: {number}: {panic}")),
            }
        }
    }
    problems
}

#[test]
fn a_number_of_any_size_ends_in_a_review_or_an_error() {
    let bundle = sound_bundle("figures", "bundles/rig-healthy");
    let kinds: Vec<(String, Place)> = find_kinds(&bundle).into_iter().collect();
    assert!(kinds.len() > 90, "{}", kinds.len());
    let halves = kinds.split_at(kinds.len() / 2);
    let problems: Vec<String> = std::thread::scope(|scope| {
        let first = scope.spawn(|| find_problems("figures-1", halves.0));
        let second = find_problems("figures-2", halves.1);
        first.join().expect("the other half").into_iter().chain(second).collect()
    });
    assert!(problems.is_empty(), "{problems:#?}");
}
