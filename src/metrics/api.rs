//! Parses responses of the custom and external metrics APIs. Their timestamps are kept but say nothing about the age of
//! a value: the adapter sets them from its own clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::request::ResponseKind;
use super::sort_samples;
use crate::model::reading::MetricSample;
use crate::units::{Milli, ParseQuantityError};

/// A response without usable values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetricsApiError {
    /// The response is of another kind.
    #[error("the response is not a metric value list: {0}")]
    NotAMetricList(String),
    /// The request was for one value.
    #[error("the metrics API returned {0} values, expected exactly one")]
    NotExactlyOne(usize),
    /// A value that is not a quantity.
    #[error("item {item} ({object}): {reason}")]
    InvalidQuantity {
        /// Position in the list, from 1.
        item: usize,
        /// Object or series.
        object: String,
        /// Why the quantity is invalid.
        reason: ParseQuantityError,
    },
}

#[derive(Deserialize)]
struct MetricList {
    kind: String,
    #[serde(default)]
    items: Option<Vec<MetricItem>>,
}

/// An item of v1beta1, v1beta2 or the external API: they differ only in the field with the metric's name, which is not
/// read because the request gives it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricItem {
    described_object: Option<DescribedObject>,
    #[serde(default)]
    metric_labels: Option<BTreeMap<String, String>>,
    timestamp: Option<Timestamp>,
    value: Value,
}

#[derive(Deserialize)]
struct DescribedObject {
    name: String,
}

/// The values of a response, sorted. An empty list is valid unless the request was for exactly one value.
pub(crate) fn parse_samples(body: &[u8], response_kind: ResponseKind) -> Result<Vec<MetricSample>, MetricsApiError> {
    let list: MetricList = serde_json::from_slice(body).map_err(|e| MetricsApiError::NotAMetricList(e.to_string()))?;
    let kind = if response_kind == ResponseKind::External { "ExternalMetricValueList" } else { "MetricValueList" };
    if list.kind != kind {
        return Err(MetricsApiError::NotAMetricList(format!("kind is {}, expected {kind}", list.kind)));
    }
    let items = list.items.unwrap_or_default();
    if response_kind == ResponseKind::Object && items.len() != 1 {
        return Err(MetricsApiError::NotExactlyOne(items.len()));
    }
    items.into_iter().enumerate().map(|(n, item)| parse_sample(n + 1, item)).collect::<Result<_, _>>().map(sort_samples)
}

fn parse_sample(number: usize, item: MetricItem) -> Result<MetricSample, MetricsApiError> {
    let labels = item.metric_labels.unwrap_or_default();
    let object = item.described_object.map(|reference| reference.name);
    // JSON allows a quantity as a bare number as well.
    let text = item.value.as_str().map_or_else(|| item.value.to_string(), str::to_owned);
    let value: Milli = text.parse().map_err(|reason| MetricsApiError::InvalidQuantity {
        item: number,
        object: object.clone().unwrap_or_else(|| format!("{labels:?}")),
        reason,
    })?;
    Ok(MetricSample { object, labels: labels.into(), value: Some(value), timestamp: item.timestamp })
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
        let samples =
            parse_samples(&list("MetricValueList", json!([pod("b", "42500m"), beta2])), ResponseKind::Pods).unwrap();
        let short: Vec<_> =
            samples.into_iter().map(|s| (s.object, s.value, s.timestamp.map(|at| at.to_string()))).collect();
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
        let samples = parse_samples(&list("ExternalMetricValueList", items), ResponseKind::External).unwrap();
        assert_eq!((samples[0].labels["queue"].as_str(), samples[0].value), ("a", Some(Milli(3000))));
    }

    #[test]
    fn an_object_has_exactly_one_value_and_pods_may_have_none() {
        assert_eq!(parse_samples(&list("MetricValueList", json!([])), ResponseKind::Pods).unwrap(), []);
        let two = list("MetricValueList", json!([pod("a", "1"), pod("b", "2")]));
        assert!(matches!(parse_samples(&two, ResponseKind::Object), Err(MetricsApiError::NotExactlyOne(2))));
        assert!(matches!(
            parse_samples(&list("MetricValueList", Value::Null), ResponseKind::Object),
            Err(MetricsApiError::NotExactlyOne(0))
        ));
    }

    #[test]
    fn an_invalid_quantity_names_its_item() {
        let error =
            parse_samples(&list("MetricValueList", json!([pod("a", "1"), pod("b", "NaN")])), ResponseKind::Pods)
                .unwrap_err();
        assert_eq!(error.to_string(), "item 2 (b): `NaN` is not a Kubernetes quantity such as 70, 500m, 1.5k or 2Gi");
    }

    #[test]
    fn a_response_of_another_kind_is_not_a_list() {
        assert!(matches!(
            parse_samples(&list("Status", json!([])), ResponseKind::Pods),
            Err(MetricsApiError::NotAMetricList(_))
        ));
        assert!(matches!(parse_samples(b"<html>", ResponseKind::Pods), Err(MetricsApiError::NotAMetricList(_))));
    }
}
