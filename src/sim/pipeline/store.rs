//! The store: raw samples with their true times, and instant queries that are evaluated in the past and stamped with
//! now, as VictoriaMetrics does (facts: A6).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::exporter::Labels;
use super::expression::{Expression, Sample, Selector, Vector};

/// Age of the newest sample at which a series has no value any more, milliseconds.
const LOOKBACK: u64 = 300_000;
/// Samples older than this are dropped, milliseconds: lookback, offset, and what a cached adapter asks for.
const KEPT: u64 = 3_600_000;

/// Samples by series.
#[derive(Default)]
pub(super) struct Store {
    series: BTreeMap<(String, Arc<Labels>), Samples>,
    /// The latest answer of raw samples: to which path, until when it stays the same, and its text.
    told: Option<(String, u64, Bytes)>,
}

/// Samples by time, milliseconds of the run's clock. `None` marks that the series has ended.
type Samples = VecDeque<(u64, Option<f64>)>;

impl Store {
    /// A sample.
    pub(super) fn put(&mut self, name: &str, labels: &Arc<Labels>, at_ms: u64, value: f64) {
        self.told = None;
        let samples = self.series.entry((name.to_owned(), Arc::clone(labels))).or_default();
        samples.push_back((at_ms, Some(value)));
        while samples.front().is_some_and(|(at, _)| at + KEPT < at_ms) {
            samples.pop_front();
        }
    }

    /// Marks every series that has no sample of this moment as ended.
    pub(super) fn mark_stale(&mut self, at_ms: u64) {
        for samples in self.series.values_mut() {
            if samples.back().is_some_and(|(at, value)| *at < at_ms && value.is_some()) {
                samples.push_back((at_ms, None));
                self.told = None;
            }
        }
    }

    /// Series that this selects and that were there at this moment. VictoriaMetrics looks for whole days.
    pub(super) fn seen(&self, selector: &Selector, until_ms: u64) -> impl Iterator<Item = (&str, &Labels)> {
        let all = self.series.iter().filter(move |((name, labels), samples)| {
            selector.selects(name, labels) && samples.front().is_some_and(|(at, _)| *at <= until_ms)
        });
        all.map(|((name, labels), _)| (name.as_str(), labels.as_ref()))
    }

    /// The value of an expression at a moment.
    pub(super) fn evaluate(&self, expression: &Expression, at_ms: u64) -> Vector {
        expression.evaluate(&|selector| self.instant(selector, at_ms))
    }

    fn instant(&self, selector: &Selector, at_ms: u64) -> Vec<Sample> {
        let mut found = Vec::new();
        for ((name, labels), samples) in &self.series {
            if !selector.selects(name, labels) {
                continue;
            }
            let newest = samples.iter().rev().find(|(at, _)| *at <= at_ms);
            if let Some((_, Some(value))) = newest.filter(|(at, _)| at + LOOKBACK > at_ms) {
                found.push(Sample { labels: named(name, labels), value: *value });
            }
        }
        found
    }

    /// The latest answer of raw samples, if it is that of this path still.
    pub(super) fn told(&self, path: &str, now_ms: u64) -> Option<Bytes> {
        self.told.as_ref().filter(|(asked, until, _)| asked == path && now_ms < *until).map(|(_, _, text)| text.clone())
    }

    /// Raw samples of the last `window_ms`, kept as the answer to this path. `unix_ms` makes a moment of the run's clock
    /// one of the world's.
    pub(super) fn raw(&mut self, path: &str, selector: &Selector, now_ms: u64, window_ms: u64, unix_ms: i64) -> Bytes {
        let seconds = |at_ms: u64| seconds(unix_ms.saturating_add_unsigned(at_ms));
        let (mut result, mut until) = (Vec::new(), u64::MAX);
        for ((name, labels), samples) in &self.series {
            if !selector.selects(name, labels) {
                continue;
            }
            let recent = samples.iter().rev().take_while(|(at, _)| at + window_ms > now_ms);
            let mut values: Vec<Value> = Vec::new();
            for (at, value) in recent {
                until = until.min(at + window_ms);
                values.push(Value::Array(vec![seconds(*at), number(value.unwrap_or(f64::NAN))]));
            }
            values.reverse();
            if !values.is_empty() {
                result.push(json!({"metric": named(name, labels), "values": values}));
            }
        }
        let text: Bytes = answer("matrix", result).to_string().into();
        self.told = Some((path.to_owned(), until, text.clone()));
        text
    }
}

/// An answer to an instant query.
pub(super) fn vector(samples: Vec<Sample>, unix_ms: i64) -> Value {
    let one = |s: Sample| json!({"metric": s.labels, "value": [seconds(unix_ms), number(s.value)]});
    answer("vector", samples.into_iter().map(one).collect())
}

fn answer(kind: &str, result: Vec<Value>) -> Value {
    json!({"status": "success", "data": {"resultType": kind, "result": result}})
}

/// A refusal in the query API's form.
pub(super) fn refused(kind: &str, words: &str) -> Value {
    json!({"status": "error", "errorType": kind, "error": words})
}

fn named(name: &str, labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.insert("__name__".to_owned(), name.to_owned());
    labels
}

fn number(value: f64) -> Value {
    Value::String(if value.is_nan() { "NaN".to_owned() } else { value.to_string() })
}

fn seconds(unix_ms: i64) -> Value {
    Duration::from_millis(u64::try_from(unix_ms).unwrap_or(0)).as_secs_f64().into()
}
