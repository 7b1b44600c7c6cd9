//! Parsers for the hops of the metric pipeline: the exposition text of an exporter, the HTTP API of a
//! Prometheus-compatible store, the custom and external metrics APIs of Kubernetes. They turn bytes into samples or a
//! typed error; nothing here sends a request or reads a clock.

pub(crate) mod api;
mod device_id;
pub(crate) mod exposition;
mod exposition_labels;
#[cfg(test)]
mod profile_pages;
pub(crate) mod request;
pub(crate) mod selector;
pub(crate) mod store;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

pub(crate) use device_id::{PhysicalDevice, has_uuid, is_claimed_device, split_device_uuid};

use crate::model::metric_profile::{BlankValues, ProfileLabels};
use crate::model::reading::MetricSample;
use crate::units::Milli;

/// What a store prefixes to a scraped label that conflicts with one of its own.
const EXPORTED_PREFIX: &str = "exported_";

/// The pod that a series belongs to.
#[must_use]
pub(crate) fn pod_from_labels(labels: &BTreeMap<String, String>, names: &ProfileLabels) -> Option<String> {
    first_label(labels, &names.pod).map(ToOwned::to_owned)
}

/// The namespace of that pod.
#[must_use]
pub(crate) fn namespace_from_labels<'a>(
    labels: &'a BTreeMap<String, String>,
    names: &ProfileLabels,
) -> Option<&'a str> {
    first_label(labels, &names.namespace)
}

/// The namespace of the pod that a series names. Where the store renamed the pod's label, a namespace that it did not rename is
/// the exporter's own.
#[must_use]
pub(crate) fn namespace_of_pod<'a>(labels: &'a BTreeMap<String, String>, names: &ProfileLabels) -> Option<&'a str> {
    let is_renamed = |names: &[String]| renamed_labels(labels).any(|(key, _)| names.iter().any(|name| name == key));
    namespace_from_labels(labels, names).filter(|_| !is_renamed(&names.pod) || is_renamed(&names.namespace))
}

/// The labels of a series on a page that a pod serves about itself: those of the page, and the pod that was read, as Prometheus
/// adds it. A page that names a pod keeps it.
pub(crate) fn labels_of_own_page(
    labels: &BTreeMap<String, String>,
    names: &ProfileLabels,
    (namespace, pod): (&str, &str),
) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    if first_label(&labels, &names.pod).is_none() {
        let read = [(&names.pod, pod), (&names.namespace, namespace)];
        labels.extend(read.into_iter().filter_map(|(names, value)| Some((names.first()?.clone(), value.to_owned()))));
    }
    labels
}

/// The device of a series, by a label that no other device of the cluster has. Instances of MIG have the label of their card:
/// each is `CARD/gi` and its number, as GKE names it.
#[must_use]
pub(crate) fn device_from_labels<'a>(
    labels: &'a BTreeMap<String, String>,
    names: &ProfileLabels,
) -> Option<Cow<'a, str>> {
    let device = first_label(labels, &names.device)?;
    Some(match first_label(labels, &names.device_instance) {
        Some(instance) => Cow::Owned(format!("{device}/gi{instance}")),
        None => Cow::Borrowed(device),
    })
}

/// The physical device of a series: of the replicas of a shared device, that device.
#[must_use]
pub(crate) fn physical_device_from_labels<'a>(
    labels: &'a BTreeMap<String, String>,
    names: &ProfileLabels,
) -> Option<Cow<'a, str>> {
    Some(match device_from_labels(labels, names)? {
        Cow::Borrowed(id) => Cow::Borrowed(PhysicalDevice::from_id(id).name),
        Cow::Owned(id) => Cow::Owned(PhysicalDevice::from_id(&id).name.to_owned()),
    })
}

/// The number of a series' device on its node.
#[must_use]
pub(crate) fn device_index_from_labels<'a>(
    labels: &'a BTreeMap<String, String>,
    names: &ProfileLabels,
) -> Option<&'a str> {
    first_label(labels, &names.device_index)
}

/// The labels that a store renamed: the names before, and the values. Few series have one, and thousands are read.
fn renamed_labels(labels: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    let from_prefix = labels.range::<str, _>((Bound::Included(EXPORTED_PREFIX), Bound::Unbounded));
    from_prefix.map_while(|(key, value)| Some((key.strip_prefix(EXPORTED_PREFIX)?, value.as_str())))
}

/// The value of the first of these labels that a series has.
///
/// A scrape with `honorLabels: false`, the default of the exporters' charts, overwrites the label `pod` with the *exporter's*
/// own pod and keeps the workload's as `exported_pod`: the store renames a scraped label only on such a conflict, so the
/// label with the prefix, where it exists, is the exporter's and wins. Empty labels count as absent: some exporters print
/// `pod=""` for an idle device.
fn first_label<'a>(labels: &'a BTreeMap<String, String>, names: &[String]) -> Option<&'a str> {
    let exported = |name: &String| renamed_labels(labels).find(|(key, _)| key == name).map(|(_, value)| value);
    let exported = names.iter().filter_map(exported);
    let plain = names.iter().filter_map(|name| labels.get(name).map(String::as_str));
    exported.chain(plain).find(|value| !value.is_empty())
}

/// A sample value in thousandths, truncated towards zero as prometheus-adapter does (prometheus-adapter v0.12.0,
/// pkg/custom-provider), so that a sample and the value served from it are equal. `None` for a blank; `Some(None)` for
/// NaN and infinities.
fn to_milli(value: f64, blanks: &BlankValues) -> Option<Option<Milli>> {
    if value.is_nan() || value.is_infinite() {
        return Some(None);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "prometheus-adapter truncates towards zero too; a larger magnitude than i64 has saturates"
    )]
    let milli = (value * 1000.0) as i64;
    (!blanks.contains(value)).then_some(Some(Milli(milli)))
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

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
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
            assert_eq!(pod_from_labels(&labels, &ProfileLabels::default()).as_deref(), pod, "{labels:?}");
        }
    }

    #[test]
    fn pod_and_device_are_read_from_the_labels_that_the_profile_names() {
        let profile = ProfileLabels {
            pod: names(&["workload", "job_pod"]),
            device: names(&["gpu_uuid", "serial"]),
            device_index: names(&["gpu_id"]),
            ..ProfileLabels::default()
        };
        let cases = [
            (
                labels(&[("workload", "a"), ("pod", "exporter"), ("gpu_uuid", "u"), ("gpu_id", "0")]),
                Some("a"),
                Some("u"),
            ),
            (labels(&[("workload", ""), ("job_pod", "a"), ("gpu_uuid", ""), ("serial", "s")]), Some("a"), Some("s")),
            (
                labels(&[("workload", "exporter"), ("exported_job_pod", "a"), ("exported_serial", "s")]),
                Some("a"),
                Some("s"),
            ),
            (labels(&[("exported_workload", ""), ("workload", "a"), ("gpu_id", "0")]), Some("a"), None),
            (labels(&[("pod", "exporter"), ("exported_pod", "b"), ("UUID", "u")]), None, None),
        ];
        for (labels, pod, device) in cases {
            assert_eq!(pod_from_labels(&labels, &profile).as_deref(), pod, "{labels:?}");
            assert_eq!(device_from_labels(&labels, &profile).as_deref(), device, "{labels:?}");
            let index = labels.contains_key("gpu_id").then_some("0");
            assert_eq!(device_index_from_labels(&labels, &profile), index, "{labels:?}");
        }
    }

    #[test]
    fn an_instance_is_told_from_the_others_of_its_card() {
        const CARD: &str = "GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003";
        let profile = crate::model::shipped_profiles::find("dcgm").unwrap();
        let device = |more: &[(&str, &str)]| {
            let mut pairs = vec![("UUID", CARD), ("gpu", "0")];
            pairs.extend_from_slice(more);
            let labels = labels(&pairs);
            let physical = physical_device_from_labels(&labels, &profile.labels).map(Cow::into_owned);
            assert_eq!(physical.as_deref(), device_from_labels(&labels, &profile.labels).as_deref());
            physical.unwrap()
        };
        assert_eq!(device(&[]), CARD);
        assert_eq!(device(&[("GPU_I_ID", "")]), CARD);
        assert_eq!(device(&[("GPU_I_ID", "7"), ("GPU_I_PROFILE", "1g.10gb")]), format!("{CARD}/gi7"));
        assert_eq!(device(&[("exported_GPU_I_ID", "8")]), format!("{CARD}/gi8"));
    }

    #[test]
    fn blanks_are_dropped_and_nan_and_infinities_have_no_value() {
        let blanks = BlankValues { above: Some(1e15), equal: vec![-1.0] };
        assert_eq!(to_milli(9_223_372_036_854_775_794.0, &blanks), None);
        assert_eq!(to_milli(-1.0, &blanks), None);
        assert_eq!(to_milli(f64::NAN, &blanks), Some(None));
        assert_eq!(to_milli(f64::INFINITY, &blanks), Some(None));
        assert_eq!(to_milli(66.5005, &blanks), Some(Some(Milli(66_500))));
        assert_eq!(to_milli(-1.0, &BlankValues::default()), Some(Some(Milli(-1000))));
    }

    #[test]
    fn a_query_value_keeps_its_meaning() {
        assert_eq!(percent_encode("a{b=\"c\"}[2m]"), "a%7Bb%3D%22c%22%7D%5B2m%5D");
    }
}
