//! The range of every number in the records of a bundle, in one table for each file. A number outside its range was not
//! measured, and could overflow the arithmetic of the checks. A number that the tables do not name has the range
//! [`OTHER`], so that no field can be forgotten.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::load::MAX_REQUEST_TOKENS;

/// The range of one field.
#[derive(Debug)]
struct NumberRange {
    /// Keys from the root of the record. `*` is any key of a map whose keys are data. An item of a list has the path of
    /// the list.
    path: &'static str,
    low: i128,
    high: i128,
}

const fn range(path: &'static str, low: i128, high: i128) -> NumberRange {
    NumberRange { path, low, high }
}

/// Largest whole number that every reader of JSON keeps: a thousand times it is an i64. Every number without a range of
/// its own is within it.
const MAX_WHOLE: i128 = 1 << 53;
/// The range of a number that the tables do not name.
const OTHER: NumberRange = range("", -MAX_WHOLE, MAX_WHOLE);
/// Largest time of a run's clock, milliseconds: 366 days.
const MAX_MS: i128 = 366 * 24 * 3600 * 1000;
/// The same in microseconds.
const MAX_US: i128 = MAX_MS * 1000;
/// Largest sum of times, milliseconds: that of the bounds of a run.
const MAX_SUM_MS: i128 = 100 * MAX_MS;
/// Largest skew of two clocks, milliseconds: that of a clock that was never set.
const MAX_SKEW_MS: i128 = 100 * MAX_MS;
/// Largest count of replicas, restarts, observations and so on: far more than a run has.
const MAX_COUNT: i128 = 10_000_000;
/// Largest amount of an extended resource: the amounts of thousands of nodes can be added.
const MAX_AMOUNT: i128 = 1 << 48;
/// Most changes of a run.
const MAX_CHANGES: i128 = 1_000_000;
/// Any i64. A platform serves any number as a metric value, blank values among them; the arithmetic is Kubernetes' own.
const ANY: (i128, i128) = (i64::MIN as i128, i64::MAX as i128);
/// Largest target of an HPA, thousandths, as in a scenario.
const MAX_TARGET: i128 = 1_000_000_000_000_000_000;

const TIMELINE: &[NumberRange] = &[
    range("seq", 0, MAX_COUNT),
    range("atMs", 0, MAX_MS),
    range("hpa.generation", 0, MAX_WHOLE),
    range("hpa.observedGeneration", 0, MAX_WHOLE),
    range("hpa.minReplicas", 0, MAX_COUNT),
    range("hpa.maxReplicas", 0, MAX_COUNT),
    range("hpa.currentReplicas", 0, MAX_COUNT),
    range("hpa.desiredReplicas", 0, MAX_COUNT),
    range("hpa.currentMetrics.value", ANY.0, ANY.1),
    range("hpa.currentMetrics.averageValue", ANY.0, ANY.1),
    range("workload.generation", 0, MAX_WHOLE),
    range("workload.observedGeneration", 0, MAX_WHOLE),
    range("workload.specReplicas", 0, MAX_COUNT),
    range("workload.replicas", 0, MAX_COUNT),
    range("workload.readyReplicas", 0, MAX_COUNT),
    range("pod.extendedResources.*", 0, MAX_AMOUNT),
    range("pod.restarts", 0, MAX_COUNT),
    range("node.allocatable.*", 0, MAX_AMOUNT),
    range("metric.requestedMs", 0, MAX_MS),
    range("metric.result.samples.value", ANY.0, ANY.1),
    range("load.inFlight", 0, MAX_COUNT),
    range("load.answeredConnections", 0, MAX_WHOLE),
    range("load.succeeded", 0, MAX_WHOLE),
    range("load.failed", 0, MAX_WHOLE),
    range("load.ttftP50Us", 0, MAX_US),
    range("load.ttftSumUs", 0, MAX_WHOLE),
    range("probe.beganMs", 0, MAX_MS),
    range("probe.tokens", 0, MAX_REQUEST_TOKENS as i128),
    range("clockSkew.lowMs", -MAX_SKEW_MS, MAX_SKEW_MS),
    range("clockSkew.highMs", -MAX_SKEW_MS, MAX_SKEW_MS),
    range("gap.fromMs", 0, MAX_MS),
];

const JOURNAL: &[NumberRange] = &[
    range("change", 0, MAX_CHANGES),
    range("atMs", 0, MAX_MS),
    range("intended.scale.previousReplicas", 0, MAX_COUNT),
    range("intended.helmUpgrade.previousRevision", 0, MAX_WHOLE),
];

const REQUESTS: &[NumberRange] = &[
    range("scheduledUs", 0, MAX_US),
    range("sentUs", 0, MAX_US),
    range("headersUs", 0, MAX_US),
    range("firstTokenUs", 0, MAX_US),
    range("endedUs", 0, MAX_US),
    range("largestChunkGapUs", 0, MAX_US),
    range("tokens", 0, MAX_REQUEST_TOKENS as i128),
];

const INVENTORY: &[NumberRange] = &[
    range("simulated.seed", 0, u64::MAX as i128),
    range("nodes.allocatable.*", 0, MAX_AMOUNT),
    range("acceleratorsUsed.*", 0, MAX_AMOUNT),
    range("charts.*.targetResources.*", 0, MAX_AMOUNT),
    range("preflight.target.replicas", 0, i32::MAX as i128),
    // A quota without a limit may be the largest number. It is compared alone.
    range("preflight.quotas.remaining", ANY.0, ANY.1),
];

const PLAN: &[NumberRange] = &[
    range("metric.targetValue", 0, MAX_TARGET),
    range("reachableReplicas", 0, MAX_COUNT),
    range("expectedReplicas", 0, MAX_COUNT),
    range("bounds.terms.ms", 0, MAX_SUM_MS),
    range("minDurationMs", 0, MAX_SUM_MS),
    range("likelyDurationMs", 0, MAX_SUM_MS),
    range("maxDurationMs", 0, MAX_SUM_MS),
];

const LOAD: &[NumberRange] = &[range("beganMs", 0, MAX_MS), range("endedMs", 0, MAX_MS)];

const VERDICT: &[NumberRange] = &[
    range("cases.citedSeqs", 0, MAX_COUNT),
    range("cases.spanMs", 0, MAX_MS),
    range("durationMs", 0, MAX_MS),
    range("minDurationMs", 0, MAX_SUM_MS),
    range("figures.sizes.metricMean", ANY.0, ANY.1),
];

/// The ranges of the numbers of one file.
#[derive(Debug)]
pub(crate) struct RecordNumbers {
    /// The ranges by the last key of their paths; those of data by the key of their map.
    by_key: BTreeMap<&'static str, Vec<&'static NumberRange>>,
    by_map: BTreeMap<&'static str, Vec<&'static NumberRange>>,
}

impl RecordNumbers {
    /// The ranges of a file of the bundle, by its name.
    #[must_use]
    pub(crate) fn of_file(name: &str) -> Self {
        let table = match name {
            "timeline.jsonl" => TIMELINE,
            "journal.jsonl" => JOURNAL,
            "requests.jsonl.zst" => REQUESTS,
            "inventory.json" => INVENTORY,
            "plan.json" => PLAN,
            "load.json" => LOAD,
            "verdict.json" => VERDICT,
            _ => &[],
        };
        let mut numbers = Self { by_key: BTreeMap::new(), by_map: BTreeMap::new() };
        for one in table {
            let mut keys = one.path.rsplit('.');
            match (keys.next(), keys.next()) {
                (Some("*"), Some(map)) => numbers.by_map.entry(map).or_default().push(one),
                (Some(key), _) => numbers.by_key.entry(key).or_default().push(one),
                _ => {}
            }
        }
        numbers
    }

    /// Checks each number of a JSON text. The error has the place of the first one that is out of its range.
    pub(crate) fn check(&self, json: &[u8]) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        NumberCheck { numbers: self, path: &mut Vec::new() }.deserialize(&mut deserializer)
    }

    fn range_of(&self, path: &[String]) -> &'static NumberRange {
        // Keys of data first: they may have any name.
        let of_map = path.iter().nth_back(1).and_then(|map| self.by_map.get(map.as_str()));
        let of_key = path.last().and_then(|key| self.by_key.get(key.as_str()));
        let all = of_map.into_iter().chain(of_key).flatten();
        all.copied().find(|one| is_at(one.path, path)).unwrap_or(&OTHER)
    }
}

fn is_at(pattern: &str, path: &[String]) -> bool {
    let mut keys = path.iter();
    pattern.split('.').all(|part| keys.next().is_some_and(|key| part == "*" || part == key)) && keys.next().is_none()
}

/// Checks the numbers of one value.
struct NumberCheck<'a> {
    numbers: &'a RecordNumbers,
    path: &'a mut Vec<String>,
}

impl NumberCheck<'_> {
    fn check<E: de::Error>(&self, value: i128) -> Result<(), E> {
        let one = self.numbers.range_of(self.path);
        match (one.low..=one.high).contains(&value) {
            true => Ok(()),
            false => Err(E::custom(format!("{} is {value}, outside {}..={}", self.name(one), one.low, one.high))),
        }
    }

    /// The path in messages, without keys that are data.
    fn name(&self, range: &NumberRange) -> String {
        if range.path.is_empty() { self.path.join(".") } else { range.path.to_owned() }
    }
}

impl<'de> DeserializeSeed<'de> for NumberCheck<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NumberCheck<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.check(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.check(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        let name = self.name(self.numbers.range_of(self.path));
        // Without an exponent it may have three hundred digits.
        let what = || E::custom(format!("{name} is {value:e}, which is out of range"));
        #[expect(clippy::cast_possible_truncation, reason = "a number that does not fit becomes the nearest one")]
        self.check::<E>(value as i128).map_err(|_| what())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { numbers, path } = self;
        while seq.next_element_seed(NumberCheck { numbers, path: &mut *path })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { numbers, path } = self;
        while let Some(key) = map.next_key::<String>()? {
            path.push(key);
            map.next_value_seed(NumberCheck { numbers, path: &mut *path })?;
            path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(file: &str, json: &str) -> String {
        RecordNumbers::of_file(file).check(json.as_bytes()).map_or_else(|e| e.to_string(), |()| String::new())
    }

    #[test]
    fn a_number_is_in_the_range_of_its_path_and_one_without_a_range_is_whole() {
        let cases = [
            ("{\"seq\":1,\n\"atMs\":31622400000}", ""),
            ("{\"seq\":1,\n\"atMs\":31622400001}", "atMs is 31622400001, outside 0..=31622400000 at line 2 column 18"),
            (r#"{"workload":{"generation":-1}}"#, "workload.generation is -1, outside 0..="),
            (
                r#"{"workload":{"terminationGracePeriodSeconds":4611686018427387904}}"#,
                "Seconds is 4611686018427387904, ",
            ),
            // Metric values may be anything, and so may a resource be named.
            (r#"{"metric":{"result":{"samples":[{"value":9223372036854775807}]}}}"#, ""),
            (r#"{"node":{"allocatable":{"value":3,"seq":281474976710657}}}"#, "node.allocatable.* is 281474976710657"),
            (r#"{"hpa":{"currentMetrics":[{"averageValue":-9223372036854775808}]}}"#, ""),
            (r#"{"hpa":{"spec":{"metrics":[{"x":[1,9007199254740993]}]}}}"#, "hpa.spec.metrics.x is 9007199254740993"),
            (r#"{"load":{"inFlight":1e300}}"#, "load.inFlight is 1e300, which is out of range"),
        ];
        for (json, expected) in cases {
            let text = error("timeline.jsonl", json);
            assert!(text.contains(expected) && text.is_empty() == expected.is_empty(), "{json}: {text}");
        }
        assert_eq!(error("inventory.json", r#"{"simulated":{"seed":18446744073709551615}}"#), "");
        assert!(error("other.json", r#"{"a":18446744073709551615}"#).starts_with("a is 18446744073709551615, outside"));
    }
}
