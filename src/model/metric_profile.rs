//! Metric profiles: what is known of an exporter's metrics before a run. They decide how samples are read, which range and
//! unit a series has, and which extended resources are accelerators.
//!
//! The doc comments of these types are descriptions in scenarios/schema.json.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accelerator::Accelerator;
use super::non_accelerators::non_accelerator_kind;
use super::nullable_map::without_nulls;
use super::scenario::{MetricSources, Scenario};
use super::shipped_profiles;

/// A profile of an exporter: its series, labels and blank values, and the accelerators that it measures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct MetricProfile {
    /// Name of the profile in messages.
    pub(crate) name: String,
    /// The exporter that the profile describes, with its versions.
    pub(crate) description: String,
    /// Range and unit of the exporter's series, by metric name.
    #[serde(deserialize_with = "without_nulls")]
    #[schemars(with = "BTreeMap<String, Option<ProfileSeries>>")]
    pub(crate) series: BTreeMap<String, ProfileSeries>,
    /// Names of the labels of a series.
    pub(crate) labels: ProfileLabels,
    /// Each pod serves a page about itself, which names no pod, as inference servers do. A sample belongs to the pod that
    /// was read. Default: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) own_page: bool,
    /// Values that mean that there is no measurement. A sample with one of them is dropped.
    pub(crate) blank_values: BlankValues,
    /// Extended resources of the accelerators that the exporter measures; `*` at the end of a name matches any rest.
    /// With `accelerator: auto` and `standIn` only these count. Default: any extended resource that is not known to be
    /// something else, such as a network interface.
    pub(crate) accelerator_resources: Vec<String>,
}

/// A series of an exporter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ProfileSeries {
    /// Smallest and largest possible value. Default: unknown.
    pub(crate) range: Option<[f64; 2]>,
    /// Unit of the value, for example percent.
    pub(crate) unit: String,
    /// A pod that works may show 0, as a count of waiting requests does: then 0 is no sign that a pod gets no traffic.
    /// Default: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) zero_while_busy: bool,
    /// What the value means for a target of an HPA; `plan` shows it. Default: none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) advice: String,
    /// Whether the value falls while the load rises, as free memory does. Default: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) falls_under_load: bool,
}

/// Names of the labels of a series. Of each list the first label counts that a series has with a value, and before all of
/// them the same names with the prefix `exported_`, which Prometheus adds to a label that conflicts with one of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ProfileLabels {
    /// The pod that uses the device. Default: pod, pod_name.
    pub(crate) pod: Vec<String>,
    /// The namespace of that pod. Default: namespace.
    pub(crate) namespace: Vec<String>,
    /// The device, so that no other device of the cluster has the same value. Default: none.
    pub(crate) device: Vec<String>,
    /// The number of a part of the device that is a device of its own, such as an instance of MIG. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) device_instance: Vec<String>,
    /// The number of the device on its node, which names it in the report if no label of `device` does. Default: none.
    pub(crate) device_index: Vec<String>,
}

impl Default for ProfileLabels {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self {
            pod: names(&["pod", "pod_name"]),
            namespace: names(&["namespace"]),
            device: vec![],
            device_instance: vec![],
            device_index: vec![],
        }
    }
}

/// Values that mean that there is no measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct BlankValues {
    /// Every value above this one. Default: none.
    pub(crate) above: Option<f64>,
    /// These values, for example [-1]. Default: none.
    pub(crate) equal: Vec<f64>,
}

impl BlankValues {
    /// True for a value that is no measurement.
    #[must_use]
    pub(crate) fn contains(&self, value: f64) -> bool {
        self.above.is_some_and(|limit| value > limit) || self.equal.contains(&value)
    }
}

/// Most entries of a list of a profile: every sample of a timeline is compared with all of them.
pub(crate) const MAX_LIST_LENGTH: usize = 100;

impl MetricProfile {
    /// True when a list has more than [`MAX_LIST_LENGTH`] entries.
    #[must_use]
    pub(crate) fn has_endless_list(&self) -> bool {
        let ProfileLabels { pod, namespace, device, device_instance, device_index } = &self.labels;
        let names = [pod, namespace, device, device_instance, device_index, &self.accelerator_resources];
        names.into_iter().any(|list| list.len() > MAX_LIST_LENGTH) || self.blank_values.equal.len() > MAX_LIST_LENGTH
    }

    /// True when the profile lists this extended resource.
    #[must_use]
    pub(crate) fn lists_resource(&self, resource: &str) -> bool {
        self.accelerator_resources.iter().any(|listed| match listed.strip_suffix('*') {
            Some(prefix) => resource.starts_with(prefix),
            None => listed == resource,
        })
    }

    /// An extended resource of the profile, for examples.
    #[must_use]
    pub(crate) fn example_resource(&self) -> Option<&str> {
        self.accelerator_resources.iter().map(String::as_str).find(|name| !name.ends_with('*'))
    }
}

impl MetricSources {
    /// The profile of the scenario, else the shipped profile `generic`.
    #[must_use]
    pub(crate) fn profile_or_generic(&self) -> &MetricProfile {
        self.profile.as_ref().unwrap_or_else(|| shipped_profiles::generic())
    }

    /// Whether the exporter's page is one that each pod serves of itself: by the profile, or, where the profile does not list the
    /// metric, by the shipped profile that does.
    #[must_use]
    pub(crate) fn reads_own_pages(&self) -> bool {
        let profile = self.profile_or_generic();
        let unlisted = self.exporter.as_ref().filter(|exporter| !profile.series.contains_key(&exporter.metric_name));
        profile.own_page
            || unlisted.is_some_and(|exporter| {
                let is_listed = |profile: &MetricProfile| profile.series.contains_key(&exporter.metric_name);
                shipped_profiles::names_where(|profile| profile.own_page && is_listed(profile)).next().is_some()
            })
    }

    /// The names of the metric at the exporter and in the store's series selector, each once.
    #[must_use]
    pub(crate) fn series_names(&self) -> Vec<&str> {
        let exporter = self.exporter.iter().map(|exporter| exporter.metric_name.as_str());
        let store = self.store.iter().map(|store| selected_metric(&store.series));
        let mut names: Vec<&str> = exporter.chain(store).filter(|name| !name.is_empty()).collect();
        names.dedup();
        names
    }

    /// The profile's series that the exporter names, else the one that the store's selector names.
    #[must_use]
    pub(crate) fn profile_series(&self) -> Option<(&str, &ProfileSeries)> {
        let series = &self.profile.as_ref()?.series;
        self.series_names().into_iter().find_map(|name| Some((name, series.get(name)?)))
    }

    /// The range of one series: the scenario's own, else the profile's.
    #[must_use]
    pub(crate) fn value_range(&self) -> Option<[f64; 2]> {
        self.range.or_else(|| self.profile_series()?.1.range)
    }

    /// The unit of the metric: the scenario's own, else the profile's; empty if it is unknown.
    #[must_use]
    pub(crate) fn value_unit(&self) -> &str {
        match self.profile_series() {
            Some((_, series)) if self.unit.is_empty() => &series.unit,
            _ => &self.unit,
        }
    }
}

/// The metric name in a series selector, `name{...}` or `{__name__="name",...}`; empty without one.
pub(crate) fn selected_metric(selector: &str) -> &str {
    let (name, matchers) = selector.split_once('{').unwrap_or((selector, ""));
    let by_label = || matchers.split_once("__name__=\"")?.1.split_once('"');
    match name.trim() {
        "" => by_label().map_or("", |(name, _)| name),
        name => name,
    }
}

impl Scenario {
    /// The profile whose list decides which extended resources are accelerators, if there is one.
    #[must_use]
    pub(crate) fn accelerator_profile(&self) -> Option<&MetricProfile> {
        let is_open = matches!(self.accelerator, Accelerator::Auto | Accelerator::StandIn);
        self.metric.profile.as_ref().filter(|profile| is_open && !profile.accelerator_resources.is_empty())
    }

    /// True when a container resource of this name is an accelerator in this scenario. What is known to be something
    /// else, such as a network interface, is none, whatever the scenario or a pattern of the profile says.
    #[must_use]
    pub(crate) fn is_accelerator(&self, resource: &str) -> bool {
        self.accelerator.matches(resource)
            && self.accelerator_profile().is_none_or(|profile| profile.lists_resource(resource))
            && non_accelerator_kind(resource).is_none()
    }

    /// True when a resource claim (DRA) may stand for an accelerator in this scenario: it names no extended resource.
    #[must_use]
    pub(crate) fn accepts_claims(&self) -> bool {
        matches!(self.accelerator, Accelerator::Auto | Accelerator::StandIn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(text: &str) -> MetricSources {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn range_and_unit_are_those_of_the_series_unless_the_scenario_states_them() {
        let profile = "profile: {name: x, series: {busy: {range: [0, 100], unit: percent}, memory: {unit: MiB}}}";
        let cases = [
            ("exporter: {metricName: busy}", Some([0.0, 100.0]), "percent"),
            ("store: {series: 'busy{pod=\"a\"}'}", Some([0.0, 100.0]), "percent"),
            ("store: {series: '{pod=\"a\", __name__=\"busy\"}'}", Some([0.0, 100.0]), "percent"),
            // A recorded series in the store, which the profile does not know.
            ("{exporter: {metricName: busy}, store: {series: 'job:busy:avg'}}", Some([0.0, 100.0]), "percent"),
            ("{exporter: {metricName: job:busy:avg}, store: {series: busy}}", Some([0.0, 100.0]), "percent"),
            ("{exporter: {metricName: memory}, store: {series: busy}}", None, "MiB"),
            ("{exporter: {metricName: busy}, range: [0, 300]}", Some([0.0, 300.0]), "percent"),
            ("{exporter: {metricName: busy}, range: [0, 1], unit: ratio}", Some([0.0, 1.0]), "ratio"),
            ("exporter: {metricName: busybody}", None, ""),
            ("store: {series: '{job=\"x\"}'}", None, ""),
            ("{}", None, ""),
        ];
        for (text, range, unit) in cases {
            let mut sources = metric(text);
            sources.profile = metric(profile).profile;
            assert_eq!((sources.value_range(), sources.value_unit()), (range, unit), "{text}");
            sources.profile = None;
            assert_eq!((sources.value_range(), sources.value_unit()), (sources.range, sources.unit.as_str()), "{text}");
        }
    }

    #[test]
    fn a_page_is_the_pods_own_by_the_profile_that_lists_the_metric() {
        let reads_own_pages = |profile: &str, metric: &str| {
            let profile = shipped_profiles::find(profile).unwrap();
            let exporter = metric_name(metric);
            MetricSources { profile: Some(profile), ..exporter }.reads_own_pages()
        };
        assert!(reads_own_pages("vllm", "vllm:num_requests_waiting") && reads_own_pages("vllm", "another"));
        assert!(reads_own_pages("dcgm", "vllm:num_requests_waiting"));
        assert!(!reads_own_pages("dcgm", "DCGM_FI_DEV_GPU_UTIL") && !reads_own_pages("dcgm", "another"));
        assert!(metric_name("tgi_queue_size").reads_own_pages() && !metric_name("gpu_gfx_activity").reads_own_pages());
        assert!(!metric("{}").reads_own_pages());
    }

    fn metric_name(name: &str) -> MetricSources {
        metric(&format!("exporter: {{namespace: n, port: 1, metricName: '{name}'}}"))
    }

    #[test]
    fn blank_values_are_a_threshold_and_single_values() {
        let blanks = BlankValues { above: Some(1e15), equal: vec![-1.0] };
        assert!(
            blanks.contains(-1.0) && blanks.contains(9_223_372_036_854_775_794.0) && blanks.contains(f64::INFINITY)
        );
        assert!(!blanks.contains(0.0) && !blanks.contains(1e15) && !blanks.contains(f64::NAN));
        assert!(!BlankValues::default().contains(f64::MAX));
    }

    #[test]
    fn a_profile_restricts_auto_and_stand_in_to_its_resources_and_no_named_resource() {
        let with = |accelerator, resources: &str| Scenario {
            accelerator,
            metric: metric(&format!("profile: {{name: x, acceleratorResources: {resources}}}")),
            ..Scenario::default()
        };
        let listed = r#"[a.com/gpu, "a.com/slice-*"]"#;
        for accelerator in [Accelerator::Auto, Accelerator::StandIn] {
            let scenario = with(accelerator.clone(), listed);
            assert!(scenario.is_accelerator("a.com/gpu") && scenario.is_accelerator("a.com/slice-1g"));
            assert!(!scenario.is_accelerator("a.com/gpu2") && !scenario.is_accelerator("b.com/gpu"));
            assert_eq!(scenario.accelerator_profile().and_then(MetricProfile::example_resource), Some("a.com/gpu"));
            let open = with(accelerator, "[]");
            assert!(open.is_accelerator("b.com/gpu") && !open.is_accelerator("cpu"));
        }
        let named = with(Accelerator::Resource("b.com/gpu".to_owned()), listed);
        assert!(named.is_accelerator("b.com/gpu") && !named.is_accelerator("a.com/gpu"));
        assert!(!with(Accelerator::Auto, r#"["*"]"#).is_accelerator("cpu"), "a native resource is no accelerator");
        for resource in ["rdma/hca_shared_devices", "devices.kubevirt.io/kvm", "vpc.amazonaws.com/pod-eni"] {
            assert!(!with(Accelerator::Auto, "[]").is_accelerator(resource), "{resource}");
            assert!(!with(Accelerator::Auto, r#"["*"]"#).is_accelerator(resource), "{resource}");
            assert!(!with(Accelerator::Resource(resource.to_owned()), "[]").is_accelerator(resource), "{resource}");
        }
    }
}
