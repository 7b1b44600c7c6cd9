//! The store: raw samples with their own timestamps, and instant queries that it evaluates `store_offset` ago and
//! stamps with now (VictoriaMetrics v1.150.0, app/vmselect/prometheus/prometheus.go: `-search.latencyOffset`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::exposition::PipelineLabels;
use super::promql::{PromqlExpr, PromqlSelector, QueryValue, RangeSamples, SampleSource, StoreSample};

/// Age of the newest sample from which a series has no value, milliseconds.
const LOOKBACK_MS: u64 = 300_000;
/// Retention, milliseconds: longer than the ranges of queries, the lookback, the offset and the age of the values that a
/// stale adapter queries.
const RETENTION_MS: u64 = 3_600_000;

/// The store with its samples keyed by series.
#[derive(Default)]
pub(super) struct SimStore {
    series: BTreeMap<(String, Arc<PipelineLabels>), SeriesSamples>,
    /// The latest response with raw samples: its path, the time until which it is valid, and its body.
    cached_response: Option<(String, u64, Bytes)>,
}

/// Samples with their time, milliseconds of the run's clock. `None` is a stale marker.
type SeriesSamples = VecDeque<(u64, Option<f64>)>;

impl SimStore {
    /// Appends a sample to a series, and drops those beyond the retention.
    pub(super) fn append_sample(&mut self, name: &str, labels: &Arc<PipelineLabels>, at_ms: u64, value: f64) {
        self.cached_response = None;
        let samples = self.series.entry((name.to_owned(), Arc::clone(labels))).or_default();
        samples.push_back((at_ms, Some(value)));
        while samples.front().is_some_and(|(at, _)| at + RETENTION_MS < at_ms) {
            samples.pop_front();
        }
    }

    /// Appends a stale marker to every series without a sample of this time.
    pub(super) fn mark_stale(&mut self, at_ms: u64) {
        for samples in self.series.values_mut() {
            if samples.back().is_some_and(|(at, value)| *at < at_ms && value.is_some()) {
                samples.push_back((at_ms, None));
                self.cached_response = None;
            }
        }
    }

    /// The selected series that had a sample by `until_ms`. VictoriaMetrics rounds this time to whole days.
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

    /// Evaluates an expression at a time.
    ///
    /// # Errors
    /// The query fails on these series.
    pub(super) fn evaluate(&self, expression: &PromqlExpr, at_ms: u64) -> Result<QueryValue, String> {
        expression.evaluate(self, i64::try_from(at_ms).unwrap_or(i64::MAX))
    }

    /// The cached response, if it is still valid for this path.
    pub(super) fn cached_response(&self, path: &str, now_ms: u64) -> Option<Bytes> {
        self.cached_response
            .as_ref()
            .filter(|(cached_path, valid_until_ms, _)| cached_path == path && now_ms < *valid_until_ms)
            .map(|(_, _, body)| body.clone())
    }

    /// Raw samples of the last `window_ms`, cached as the response to this path. `start_unix_ms` is the start of the
    /// run's clock.
    pub(super) fn raw_samples(
        &mut self,
        path: &str,
        selector: &PromqlSelector,
        now_ms: u64,
        window_ms: u64,
        start_unix_ms: i64,
    ) -> Bytes {
        let seconds = |at_ms: u64| unix_seconds(start_unix_ms.saturating_add_unsigned(at_ms));
        let (mut result, mut valid_until_ms) = (Vec::new(), u64::MAX);
        for ((name, labels), samples) in &self.series {
            if !selector.is_match(name, labels) {
                continue;
            }
            let recent = samples.iter().rev().take_while(|(at, _)| at + window_ms > now_ms);
            let mut values: Vec<Value> = Vec::new();
            for (at, value) in recent {
                valid_until_ms = valid_until_ms.min(at + window_ms);
                values.push(Value::Array(vec![seconds(*at), format_value(value.unwrap_or(f64::NAN))]));
            }
            values.reverse();
            if !values.is_empty() {
                result.push(json!({"metric": with_name_label(name, labels), "values": values}));
            }
        }
        let body: Bytes = success_response("matrix", result).to_string().into();
        self.cached_response = Some((path.to_owned(), valid_until_ms, body.clone()));
        body
    }
}

impl SampleSource for SimStore {
    fn instant_samples(&self, selector: &PromqlSelector, at_ms: i64) -> Vec<StoreSample> {
        let Ok(at_ms) = u64::try_from(at_ms) else { return Vec::new() };
        let mut vector = Vec::new();
        for ((name, labels), samples) in
            self.series.iter().filter(|((name, labels), _)| selector.is_match(name, labels))
        {
            let newest = samples.iter().rev().find(|(at, _)| *at <= at_ms);
            if let Some((_, Some(value))) = newest.filter(|(at, _)| at + LOOKBACK_MS > at_ms) {
                vector.push(StoreSample { labels: with_name_label(name, labels), value: *value });
            }
        }
        vector
    }

    fn range_samples(&self, selector: &PromqlSelector, from_ms: i64, to_ms: i64) -> Vec<RangeSamples> {
        let signed = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        let mut all = Vec::new();
        for ((name, labels), samples) in
            self.series.iter().filter(|((name, labels), _)| selector.is_match(name, labels))
        {
            let until_end = samples.iter().rev().skip_while(|(at, _)| signed(*at) > to_ms);
            let in_range = until_end.take_while(|(at, _)| signed(*at) > from_ms);
            let mut values: Vec<(i64, f64)> =
                in_range.filter_map(|(at, value)| Some((signed(*at), (*value)?))).collect();
            values.reverse();
            if !values.is_empty() {
                all.push(RangeSamples { labels: with_name_label(name, labels), samples: values });
            }
        }
        all
    }
}

/// The response to an instant query.
pub(super) fn vector_response(samples: Vec<StoreSample>, unix_ms: i64) -> Value {
    let entry = |s: StoreSample| json!({"metric": s.labels, "value": [unix_seconds(unix_ms), format_value(s.value)]});
    success_response("vector", samples.into_iter().map(entry).collect())
}

fn success_response(result_type: &str, result: Vec<Value>) -> Value {
    json!({"status": "success", "data": {"resultType": result_type, "result": result}})
}

/// An error response in the format of the query API.
pub(super) fn error_response(error_type: &str, message: &str) -> Value {
    json!({"status": "error", "errorType": error_type, "error": message})
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
