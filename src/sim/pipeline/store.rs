//! The store: raw samples with their true times, and instant queries that are evaluated in the past and stamped with
//! now, as VictoriaMetrics does (facts: A6).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::exporter::PipelineLabels;
use super::promql::{PromqlExpr, PromqlSelector, QueryValue, StoreSample};

/// Age of the newest sample at which a series has no value any more, milliseconds.
const LOOKBACK_MS: u64 = 300_000;
/// Samples older than this are dropped, milliseconds: lookback, offset, and what a cached adapter asks for.
const RETENTION_MS: u64 = 3_600_000;

/// Samples by series.
#[derive(Default)]
pub(super) struct SimStore {
    series: BTreeMap<(String, Arc<PipelineLabels>), SeriesSamples>,
    /// The latest answer of raw samples: to which path, until when it stays the same, and its text.
    cached_response: Option<(String, u64, Bytes)>,
}

/// Samples by time, milliseconds of the run's clock. `None` marks that the series has ended.
type SeriesSamples = VecDeque<(u64, Option<f64>)>;

impl SimStore {
    /// A sample.
    pub(super) fn append_sample(&mut self, name: &str, labels: &Arc<PipelineLabels>, at_ms: u64, value: f64) {
        self.cached_response = None;
        let samples = self.series.entry((name.to_owned(), Arc::clone(labels))).or_default();
        samples.push_back((at_ms, Some(value)));
        while samples.front().is_some_and(|(at, _)| at + RETENTION_MS < at_ms) {
            samples.pop_front();
        }
    }

    /// Marks every series that has no sample of this moment as ended.
    pub(super) fn mark_stale(&mut self, at_ms: u64) {
        for samples in self.series.values_mut() {
            if samples.back().is_some_and(|(at, value)| *at < at_ms && value.is_some()) {
                samples.push_back((at_ms, None));
                self.cached_response = None;
            }
        }
    }

    /// Series that this selects and that were there at this moment. VictoriaMetrics looks for whole days.
    pub(super) fn list_series(
        &self,
        selector: &PromqlSelector,
        until_ms: u64,
    ) -> impl Iterator<Item = (&str, &PipelineLabels)> {
        let all = self.series.iter().filter(move |((name, labels), samples)| {
            selector.is_match(name, labels) && samples.front().is_some_and(|(at, _)| *at <= until_ms)
        });
        all.map(|((name, labels), _)| (name.as_str(), labels.as_ref()))
    }

    /// The value of an expression at a moment.
    pub(super) fn evaluate(&self, expression: &PromqlExpr, at_ms: u64) -> QueryValue {
        expression.evaluate(&|selector| self.instant_samples(selector, at_ms))
    }

    fn instant_samples(&self, selector: &PromqlSelector, at_ms: u64) -> Vec<StoreSample> {
        let mut found = Vec::new();
        for ((name, labels), samples) in &self.series {
            if !selector.is_match(name, labels) {
                continue;
            }
            let newest = samples.iter().rev().find(|(at, _)| *at <= at_ms);
            if let Some((_, Some(value))) = newest.filter(|(at, _)| at + LOOKBACK_MS > at_ms) {
                found.push(StoreSample { labels: with_name_label(name, labels), value: *value });
            }
        }
        found
    }

    /// The latest answer of raw samples, if it is that of this path still.
    pub(super) fn cached_response(&self, path: &str, now_ms: u64) -> Option<Bytes> {
        self.cached_response
            .as_ref()
            .filter(|(asked, until, _)| asked == path && now_ms < *until)
            .map(|(_, _, text)| text.clone())
    }

    /// Raw samples of the last `window_ms`, kept as the answer to this path. `unix_ms` makes a moment of the run's clock
    /// one of the world's.
    pub(super) fn raw_samples(
        &mut self,
        path: &str,
        selector: &PromqlSelector,
        now_ms: u64,
        window_ms: u64,
        unix_ms: i64,
    ) -> Bytes {
        let seconds = |at_ms: u64| unix_seconds(unix_ms.saturating_add_unsigned(at_ms));
        let (mut result, mut until) = (Vec::new(), u64::MAX);
        for ((name, labels), samples) in &self.series {
            if !selector.is_match(name, labels) {
                continue;
            }
            let recent = samples.iter().rev().take_while(|(at, _)| at + window_ms > now_ms);
            let mut values: Vec<Value> = Vec::new();
            for (at, value) in recent {
                until = until.min(at + window_ms);
                values.push(Value::Array(vec![seconds(*at), format_value(value.unwrap_or(f64::NAN))]));
            }
            values.reverse();
            if !values.is_empty() {
                result.push(json!({"metric": with_name_label(name, labels), "values": values}));
            }
        }
        let text: Bytes = success_response("matrix", result).to_string().into();
        self.cached_response = Some((path.to_owned(), until, text.clone()));
        text
    }
}

/// An answer to an instant query.
pub(super) fn vector_response(samples: Vec<StoreSample>, unix_ms: i64) -> Value {
    let one = |s: StoreSample| json!({"metric": s.labels, "value": [unix_seconds(unix_ms), format_value(s.value)]});
    success_response("vector", samples.into_iter().map(one).collect())
}

fn success_response(kind: &str, result: Vec<Value>) -> Value {
    json!({"status": "success", "data": {"resultType": kind, "result": result}})
}

/// A refusal in the query API's form.
pub(super) fn error_response(kind: &str, words: &str) -> Value {
    json!({"status": "error", "errorType": kind, "error": words})
}

fn with_name_label(name: &str, labels: &PipelineLabels) -> PipelineLabels {
    let mut labels = labels.clone();
    labels.insert("__name__".to_owned(), name.to_owned());
    labels
}

fn format_value(value: f64) -> Value {
    Value::String(if value.is_nan() { "NaN".to_owned() } else { value.to_string() })
}

fn unix_seconds(unix_ms: i64) -> Value {
    Duration::from_millis(u64::try_from(unix_ms).unwrap_or(0)).as_secs_f64().into()
}
