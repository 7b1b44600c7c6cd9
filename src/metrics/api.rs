//! Answers of the custom and external metrics APIs. Their timestamps are kept but say nothing about age: the adapter
//! stamps with its own clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::question::Asks;
use super::sorted;
use crate::record::reading::Sample;
use crate::units::{Milli, NotAQuantity};

/// An answer that holds no usable values.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// The answer is of another kind.
    #[error("the answer is no list of metric values: {0}")]
    NotAList(String),
    /// One value was asked for.
    #[error("the metrics API returned {0} results when asked for exactly one")]
    NotOne(usize),
    /// A value that is no quantity.
    #[error("item {item} ({object}): {why}")]
    Value {
        /// Place in the list, from 1.
        item: usize,
        /// Object or series.
        object: String,
        /// Why.
        why: NotAQuantity,
    },
}

#[derive(Deserialize)]
struct List {
    kind: String,
    #[serde(default)]
    items: Option<Vec<Item>>,
}

/// An item of v1beta1, v1beta2 or the external API: they differ in where they name the metric, which was asked for and
/// is not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    described_object: Option<Described>,
    #[serde(default)]
    metric_labels: Option<BTreeMap<String, String>>,
    timestamp: Option<Timestamp>,
    value: Value,
}

#[derive(Deserialize)]
struct Described {
    name: String,
}

/// The values of an answer, sorted. An empty list is an answer where many values were asked for.
pub fn read(body: &[u8], asks: Asks) -> Result<Vec<Sample>, NotServed> {
    let list: List = serde_json::from_slice(body).map_err(|e| NotServed::NotAList(e.to_string()))?;
    let kind = if asks == Asks::External { "ExternalMetricValueList" } else { "MetricValueList" };
    if list.kind != kind {
        return Err(NotServed::NotAList(format!("its kind is {}, not {kind}", list.kind)));
    }
    let items = list.items.unwrap_or_default();
    if asks == Asks::Object && items.len() != 1 {
        return Err(NotServed::NotOne(items.len()));
    }
    items.into_iter().enumerate().map(|(n, item)| sample(n + 1, item)).collect::<Result<_, _>>().map(sorted)
}

fn sample(number: usize, item: Item) -> Result<Sample, NotServed> {
    let labels = item.metric_labels.unwrap_or_default();
    let object = item.described_object.map(|described| described.name);
    // A quantity may stand in JSON as a bare number as well.
    let text = item.value.as_str().map_or_else(|| item.value.to_string(), str::to_owned);
    let value: Milli = text.parse().map_err(|why| NotServed::Value {
        item: number,
        object: object.clone().unwrap_or_else(|| format!("{labels:?}")),
        why,
    })?;
    Ok(Sample { object, labels: labels.into(), value: Some(value), at: item.timestamp })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(kind: &str, items: Value) -> Vec<u8> {
        json!({"kind": kind, "apiVersion": "x", "metadata": {}, "items": items}).to_string().into_bytes()
    }

    fn pod(name: &str, value: &str) -> Value {
        json!({"describedObject": {"kind": "Pod", "namespace": "ai", "name": name, "apiVersion": "/v1"},
            "metricName": "gpu", "timestamp": "2026-08-22T10:00:00Z", "window": 60, "value": value, "selector": null})
    }

    #[test]
    fn both_versions_of_the_custom_api_give_values_by_object() {
        let beta2 = json!({"describedObject": {"kind": "Pod", "namespace": "ai", "name": "a", "apiVersion": "/v1"},
            "metric": {"name": "gpu", "selector": null}, "timestamp": null, "value": "70"});
        let samples = read(&list("MetricValueList", json!([pod("b", "42500m"), beta2])), Asks::Pods).unwrap();
        let short: Vec<_> = samples.into_iter().map(|s| (s.object, s.value, s.at.map(|at| at.to_string()))).collect();
        assert_eq!(
            short,
            [
                (Some("a".to_owned()), Some(Milli(70_000)), None),
                (Some("b".to_owned()), Some(Milli(42_500)), Some("2026-08-22T10:00:00Z".to_owned())),
            ]
        );
    }

    #[test]
    fn the_external_api_gives_values_by_labels() {
        let items = json!([{"metricName": "q", "metricLabels": {"queue": "a"}, "timestamp": "2026-08-22T10:00:00Z",
            "value": "3"}]);
        let samples = read(&list("ExternalMetricValueList", items), Asks::External).unwrap();
        assert_eq!((samples[0].labels["queue"].as_str(), samples[0].value), ("a", Some(Milli(3000))));
    }

    #[test]
    fn an_object_has_exactly_one_value_and_pods_may_have_none() {
        assert_eq!(read(&list("MetricValueList", json!([])), Asks::Pods).unwrap(), []);
        let two = list("MetricValueList", json!([pod("a", "1"), pod("b", "2")]));
        assert!(matches!(read(&two, Asks::Object), Err(NotServed::NotOne(2))));
        assert!(matches!(read(&list("MetricValueList", Value::Null), Asks::Object), Err(NotServed::NotOne(0))));
    }

    #[test]
    fn a_value_that_is_no_quantity_names_its_item() {
        let error = read(&list("MetricValueList", json!([pod("a", "1"), pod("b", "NaN")])), Asks::Pods).unwrap_err();
        assert_eq!(error.to_string(), "item 2 (b): `NaN` is not a Kubernetes quantity such as 70, 500m, 1.5k or 2Gi");
    }

    #[test]
    fn another_kind_of_answer_is_no_list() {
        assert!(matches!(read(&list("Status", json!([])), Asks::Pods), Err(NotServed::NotAList(_))));
        assert!(matches!(read(b"<html>", Asks::Pods), Err(NotServed::NotAList(_))));
    }
}
