//! Parsers for the hops of the metric pipeline: the exposition text of an exporter, the HTTP API of a
//! Prometheus-compatible store, the custom and external metrics APIs of Kubernetes. They turn bytes into samples or a
//! typed error; nothing here sends a request or reads a clock.

pub mod api;
pub mod exposition;
pub mod request;
pub mod selector;
pub mod store;

use std::collections::BTreeMap;

use crate::model::reading::MetricSample;
use crate::units::Milli;

/// Values above this are DCGM's blanks (old exporters print 9223372036854775794), not measurements.
const BLANK_ABOVE: f64 = 1e15;

/// The pod that a series belongs to, by its labels.
///
/// The exporter writes `pod` (`pod_name` with `--use-old-namespace`). A scrape with `honorLabels: false`, the default
/// of the exporter's charts, overwrites it with the *exporter's* own pod and keeps the workload's as `exported_pod`:
/// the store renames a scraped label only on such a conflict, so `exported_pod`, where it exists, is the exporter's
/// label and wins. Empty labels count as absent: some exporters print `pod=""` for an idle device.
#[must_use]
pub fn pod_from_labels(labels: &BTreeMap<String, String>) -> Option<String> {
    const NAMES: [&str; 4] = ["exported_pod", "exported_pod_name", "pod", "pod_name"];
    NAMES.iter().find_map(|name| labels.get(*name).filter(|pod| !pod.is_empty())).cloned()
}

/// A sample value in thousandths, truncated towards zero as prometheus-adapter does (prometheus-adapter v0.12.0,
/// pkg/custom-provider), so that a sample and the value served from it are equal. `None` for a blank; `Some(None)` for
/// NaN and infinities.
fn to_milli(value: f64) -> Option<Option<Milli>> {
    if value.is_nan() || value.is_infinite() {
        return Some(None);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "prometheus-adapter truncates towards zero too; magnitudes are bounded"
    )]
    let milli = (value * 1000.0) as i64;
    (value <= BLANK_ABOVE).then_some(Some(Milli(milli)))
}

/// Sorts samples by object and labels: the order in which readings are compared and written.
pub(crate) fn sort_samples(mut samples: Vec<MetricSample>) -> Vec<MetricSample> {
    samples.sort_by(|a, b| (&a.object, &a.labels).cmp(&(&b.object, &b.labels)));
    samples
}

/// Percent-encodes a value of a URL's query: all but the unreserved characters of RFC 3986.
fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_series_belongs_to_the_workloads_pod_whatever_honor_labels_says() {
        let cases = [
            (labels(&[("pod", "ollama-1"), ("namespace", "ai")]), Some("ollama-1")),
            (labels(&[("pod_name", "ollama-1"), ("pod_namespace", "ai")]), Some("ollama-1")),
            (
                labels(&[("pod", "dcgm-x"), ("namespace", "gpu-operator"), ("exported_pod", "ollama-1")]),
                Some("ollama-1"),
            ),
            (labels(&[("pod", ""), ("namespace", "")]), None),
            (labels(&[("gpu", "0")]), None),
        ];
        for (labels, pod) in cases {
            assert_eq!(pod_from_labels(&labels).as_deref(), pod, "{labels:?}");
        }
    }

    #[test]
    fn blanks_are_dropped_and_nan_and_infinities_have_no_value() {
        assert_eq!(to_milli(9_223_372_036_854_775_794.0), None);
        assert_eq!(to_milli(f64::NAN), Some(None));
        assert_eq!(to_milli(f64::INFINITY), Some(None));
        assert_eq!(to_milli(66.5005), Some(Some(Milli(66_500))));
    }

    #[test]
    fn a_query_value_keeps_its_meaning() {
        assert_eq!(percent_encode("a{b=\"c\"}[2m]"), "a%7Bb%3D%22c%22%7D%5B2m%5D");
    }
}
