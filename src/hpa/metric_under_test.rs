//! The metric under test: how it follows from an HPA's spec, and what the controller computes from its samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscalerSpec, MetricIdentifier, MetricSpec, MetricTarget,
};

use super::spec::{milli, stated_tolerance};
use super::{
    DescribedObjectRef, ExternalMetric, MetricInput, MetricTargetSpec, ObjectMetric, PodPhase, PodState, PodsMetric,
    Proposal, Tolerance, Workload,
};
use crate::model::metric_under_test::{MetricKind, MetricUnderTest, TargetType};
use crate::model::reading::MetricSample;
use crate::model::scenario::Scenario;
use crate::model::snapshot::HpaSnapshot;
use crate::units::Milli;

/// The API group of Pods and Object metrics.
pub(crate) const CUSTOM_METRICS_GROUP: &str = "custom.metrics.k8s.io";
/// The API group of External metrics.
pub(crate) const EXTERNAL_METRICS_GROUP: &str = "external.metrics.k8s.io";

impl MetricUnderTest {
    /// The metric of a scenario's HPA.
    #[must_use]
    pub(crate) fn from_scenario(scenario: &Scenario) -> Option<Self> {
        Self::from_spec(&scenario.hpa.spec, &scenario.namespace)
    }

    /// The first metric of a spec that the custom or external metrics API serves; resource metrics (cpu, memory) are not
    /// read. `None` without one; scenario validation excludes that.
    #[must_use]
    pub(crate) fn from_spec(spec: &HorizontalPodAutoscalerSpec, namespace: &str) -> Option<Self> {
        let metrics = spec.metrics.as_deref().unwrap_or_default();
        let SpecParts { kind, metric, described_object, target } = metrics.iter().find_map(SpecParts::from_metric)?;
        let (target_type, target_milli) = target_from_spec(kind, target).compared(kind);
        Some(Self {
            kind,
            name: metric.name.clone(),
            namespace: namespace.to_owned(),
            selector: metric.selector.clone(),
            described_object: described_object.cloned(),
            target_type,
            target_value: target_milli.map(Milli),
            tolerance: stated_tolerance(spec),
            other_metrics: metrics.len() - 1,
        })
    }

    /// True for a metric with one value per pod, which the controller compares with the target pod by pod.
    #[must_use]
    pub(crate) fn is_per_pod(&self) -> bool {
        self.kind == MetricKind::Pods
    }

    /// True for a value of the whole workload that the controller divides by the replicas: an Object or External metric
    /// with target type AverageValue.
    #[must_use]
    pub(crate) fn is_divided_by_replicas(&self) -> bool {
        self.kind != MetricKind::Pods && self.target_type == TargetType::AverageValue
    }

    /// The API group that serves the metric.
    #[must_use]
    pub(crate) fn api_group(&self) -> &'static str {
        if self.kind == MetricKind::External { EXTERNAL_METRICS_GROUP } else { CUSTOM_METRICS_GROUP }
    }

    /// The name in the controller's events and conditions.
    #[must_use]
    pub(crate) fn event_name(&self) -> String {
        match self.kind {
            MetricKind::Pods => self.pods_metric().event_name(),
            MetricKind::Object => self.object_metric().event_name(self.target_type),
            MetricKind::External => self.external_metric().event_name(),
        }
    }

    /// The metric's value in a status of the HPA.
    #[must_use]
    pub(crate) fn reported_value(&self, hpa: &HpaSnapshot) -> Option<Milli> {
        let entry = hpa.current_metrics.iter().find(|entry| entry.name == self.name)?;
        entry.average_value.or(entry.value)
    }

    /// The tolerance with which the controller compares the metric; `flag` is the controller's, a fraction.
    #[must_use]
    pub(crate) fn tolerance(&self, flag: f64) -> Tolerance {
        let side = |stated: Option<Milli>| stated.map(|milli| Tolerance::side_from_milli(milli.0));
        Tolerance::from_sides(flag, side(self.tolerance.up), side(self.tolerance.down))
    }

    /// The controller's input: the metric with the samples of the metrics API, or with the error text of the request.
    /// `None` for a Pods metric whose target is no quantity, which the API server refuses.
    #[must_use]
    pub(crate) fn to_input(&self, samples: Result<&[MetricSample], &str>) -> Option<MetricInput> {
        let of_type = |kind: TargetType| self.target_value.filter(|_| self.target_type == kind).map(|value| value.0);
        let target = MetricTargetSpec {
            kind: self.target_type,
            value_milli: of_type(TargetType::Value),
            average_value_milli: of_type(TargetType::AverageValue),
        };
        let samples = samples.map_err(str::to_owned);
        Some(match self.kind {
            MetricKind::Pods => MetricInput::Pods {
                metric: self.pods_metric(),
                target_average_value_milli: target.average_value_milli?,
                samples_milli: samples
                    .map(|all| all.iter().filter_map(|s| Some((s.object.clone()?, s.value?.0))).collect()),
            },
            MetricKind::Object => MetricInput::Object {
                metric: self.object_metric(),
                target,
                value_milli: samples.and_then(|all| values(all).next().ok_or_else(|| "no value".to_owned())),
            },
            MetricKind::External => MetricInput::External {
                metric: self.external_metric(),
                target,
                values_milli: samples.map(|all| values(all).collect()),
            },
        })
    }

    /// The controller's proposal for these samples; `None` where the controller computes none.
    #[must_use]
    pub(crate) fn propose(&self, samples: &[MetricSample], workload: &Workload<'_>) -> Option<Proposal> {
        super::propose(&self.to_input(Ok(samples))?, workload).ok()
    }

    /// The controller's recommendation for this many running pods while every series has this value.
    #[must_use]
    pub(crate) fn desired_replicas(&self, tolerance: Tolerance, replicas: i32, value: f64) -> Option<i32> {
        let pod =
            |n: i32| PodState { name: format!("pod-{n}"), phase: PodPhase::Running, ready: true, deleting: false };
        let pods: Vec<PodState> = (0..replicas).map(pod).collect();
        let sample = |pod: &PodState| MetricSample {
            object: Some(pod.name.clone()),
            labels: Arc::default(),
            value: format!("{value}").parse::<Milli>().ok(),
            timestamp: None,
        };
        let series = if self.is_per_pod() { pods.len() } else { 1 };
        let samples: Vec<MetricSample> = pods.iter().take(series).map(sample).collect();
        let workload = Workload { spec_replicas: replicas, status_replicas: replicas, pods: &pods, tolerance };
        self.propose(&samples, &workload).map(|proposal| proposal.replicas)
    }

    fn pods_metric(&self) -> PodsMetric {
        PodsMetric { name: self.name.clone() }
    }

    fn object_metric(&self) -> ObjectMetric {
        let described = self.described_object.clone().unwrap_or_default();
        let object =
            DescribedObjectRef { kind: described.kind, namespace: self.namespace.clone(), name: described.name };
        ObjectMetric { name: self.name.clone(), selector: self.match_labels(), object }
    }

    fn external_metric(&self) -> ExternalMetric {
        ExternalMetric { name: self.name.clone(), namespace: self.namespace.clone(), selector: self.match_labels() }
    }

    fn match_labels(&self) -> Option<BTreeMap<String, String>> {
        self.selector.as_ref()?.match_labels.clone()
    }
}

/// The parts that the three types of metric have in a spec.
struct SpecParts<'a> {
    kind: MetricKind,
    metric: &'a MetricIdentifier,
    described_object: Option<&'a CrossVersionObjectReference>,
    target: &'a MetricTarget,
}

impl<'a> SpecParts<'a> {
    fn from_metric(spec: &'a MetricSpec) -> Option<Self> {
        if let Some(pods) = &spec.pods {
            let (metric, target) = (&pods.metric, &pods.target);
            return Some(Self { kind: MetricKind::Pods, metric, described_object: None, target });
        }
        if let Some(object) = &spec.object {
            let (metric, described_object) = (&object.metric, Some(&object.described_object));
            return Some(Self { kind: MetricKind::Object, metric, described_object, target: &object.target });
        }
        let external = spec.external.as_ref()?;
        let (metric, target) = (&external.metric, &external.target);
        Some(Self { kind: MetricKind::External, metric, described_object: None, target })
    }
}

/// The target as the controller reads it. It compares an Object metric by `type`, and has no target for one of type
/// Utilization, which the API server takes.
fn target_from_spec(kind: MetricKind, target: &MetricTarget) -> MetricTargetSpec {
    let stated = match target.type_.as_str() {
        "Value" => Some(TargetType::Value),
        "AverageValue" => Some(TargetType::AverageValue),
        _ => None,
    };
    let is_compared = kind != MetricKind::Object || stated.is_some();
    let number = |quantity| milli(quantity).filter(|_| is_compared);
    MetricTargetSpec {
        kind: stated.unwrap_or(TargetType::AverageValue),
        value_milli: number(target.value.as_ref()),
        average_value_milli: number(target.average_value.as_ref()),
    }
}

fn values(samples: &[MetricSample]) -> impl Iterator<Item = i64> {
    samples.iter().filter_map(|sample| sample.value.map(|value| value.0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn resolve(metrics: &Value) -> Option<MetricUnderTest> {
        let spec = json!({"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 3, "metrics": metrics,
            "behavior": {"scaleDown": {"tolerance": "50m"}}});
        MetricUnderTest::from_spec(&serde_json::from_value(spec).unwrap(), "ai")
    }

    fn metric(kind: &str, target: &Value) -> Option<MetricUnderTest> {
        let mut source = json!({"metric": {"name": "gpu", "selector": {"matchLabels": {"model": "a"}}},
            "target": target});
        if kind == "Object" {
            source["describedObject"] = json!({"apiVersion": "v1", "kind": "Service", "name": "llm"});
        }
        resolve(&json!([{"type": kind, kind.to_lowercase(): source}]))
    }

    /// The target by the proposals alone: of 30 and 60, the smaller one at which two replicas stay two.
    fn target_by_arithmetic(metric: &MetricUnderTest) -> Option<i64> {
        let pod = |n: i32| PodState { name: format!("p{n}"), phase: PodPhase::Running, ready: true, deleting: false };
        let pods = [pod(0), pod(1)];
        let workload = Workload { spec_replicas: 2, status_replicas: 2, pods: &pods, tolerance: metric.tolerance(0.1) };
        let recommends_two = |milli: i64| {
            let sample = |pod: &PodState| MetricSample {
                object: Some(pod.name.clone()),
                labels: Arc::default(),
                value: Some(Milli(milli)),
                timestamp: None,
            };
            let samples: Vec<MetricSample> =
                pods.iter().take(if metric.is_per_pod() { 2 } else { 1 }).map(sample).collect();
            metric.propose(&samples, &workload).is_some_and(|proposal| proposal.replicas == 2)
        };
        let factor = if metric.is_divided_by_replicas() { 2 } else { 1 };
        [30_000, 60_000].into_iter().find(|target| recommends_two(target * factor))
    }

    #[test]
    fn each_kind_and_target_type_has_the_target_that_the_controller_compares() {
        use MetricKind::{External, Object, Pods};
        use TargetType::{AverageValue, Value};
        let (value, average) =
            (json!({"type": "Value", "value": "60"}), json!({"type": "AverageValue", "averageValue": "30"}));
        let both = |kind: &str| json!({"type": kind, "value": "60", "averageValue": "30"});
        let cases = [
            ("Pods", average.clone(), (Pods, AverageValue, Some(30_000)), "pods metric gpu"),
            ("Pods", both("Value"), (Pods, AverageValue, Some(30_000)), "pods metric gpu"),
            ("Object", value.clone(), (Object, Value, Some(60_000)), "Service metric gpu"),
            ("Object", average.clone(), (Object, AverageValue, Some(30_000)), "external metric gpu(&LabelSelector"),
            // The type decides, whichever fields are set.
            ("Object", both("Value"), (Object, Value, Some(60_000)), "Service metric gpu"),
            (
                "Object",
                both("AverageValue"),
                (Object, AverageValue, Some(30_000)),
                "external metric gpu(&LabelSelector",
            ),
            ("Object", json!({"type": "Value", "averageValue": "30"}), (Object, Value, None), "Service metric gpu"),
            // The API server takes this type, and the controller has no target then.
            ("Object", both("Utilization"), (Object, AverageValue, None), "external metric gpu(&LabelSelector"),
            ("Pods", both("Utilization"), (Pods, AverageValue, Some(30_000)), "pods metric gpu"),
            (
                "External",
                json!({"type": "Utilization", "value": "60"}),
                (External, Value, Some(60_000)),
                "external metric gpu(&LabelSelector",
            ),
            ("External", value, (External, Value, Some(60_000)), "external metric gpu(&LabelSelector"),
            ("External", average, (External, AverageValue, Some(30_000)), "external metric gpu(&LabelSelector"),
            // The controller ignores the type of an External target.
            ("External", both("Value"), (External, AverageValue, Some(30_000)), "external metric gpu(&LabelSelector"),
            ("External", json!({"type": "Value"}), (External, Value, None), "external metric gpu(&LabelSelector"),
        ];
        for (kind, target, (expected_kind, target_type, milli), event_name) in cases {
            let metric = metric(kind, &target).unwrap();
            assert_eq!(
                (metric.kind, metric.target_type, metric.target_value),
                (expected_kind, target_type, milli.map(Milli)),
                "{kind} {target}"
            );
            assert_eq!(target_by_arithmetic(&metric), milli, "{kind} {target}");
            assert!(metric.event_name().starts_with(event_name), "{}", metric.event_name());
            assert_eq!(metric.title(), format!("{kind} metric gpu"));
            assert_eq!(
                metric.is_divided_by_replicas(),
                kind != "Pods" && target_type == AverageValue,
                "{kind} {target}"
            );
            assert_eq!(
                (metric.is_per_pod(), metric.name.as_str(), metric.namespace.as_str()),
                (kind == "Pods", "gpu", "ai")
            );
            assert_eq!(metric.described_object.is_some(), kind == "Object");
            assert_eq!(metric.api_group() == EXTERNAL_METRICS_GROUP, kind == "External");
            assert_eq!(metric.tolerance(0.1), Tolerance { up: 0.1, down: 0.05 });
        }
    }

    #[test]
    fn a_pods_metric_without_a_quantity_keeps_its_name_and_has_no_input() {
        let metric = metric("Pods", &json!({"type": "AverageValue", "averageValue": "much"})).unwrap();
        assert_eq!((metric.target_value, metric.event_name().as_str()), (None, "pods metric gpu"));
        assert_eq!(metric.to_input(Ok(&[])), None);
    }

    #[test]
    fn an_object_metric_of_type_utilization_is_the_controllers_error() {
        let metric = metric("Object", &json!({"type": "Utilization", "averageValue": "10"})).unwrap();
        let workload =
            Workload { spec_replicas: 1, status_replicas: 1, pods: &[], tolerance: Tolerance { up: 0.1, down: 0.1 } };
        let sample = MetricSample { object: None, labels: Arc::default(), value: Some(Milli(1)), timestamp: None };
        let error = crate::hpa::propose(&metric.to_input(Ok(&[sample])).unwrap(), &workload).unwrap_err().to_string();
        assert_eq!(error, "invalid object metric source: neither a value target nor an average value target was set");
    }

    #[test]
    fn resource_metrics_are_not_the_metric_under_test() {
        let cpu = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}});
        let pods = json!({"type": "Pods", "pods": {"metric": {"name": "gpu"},
            "target": {"type": "AverageValue", "averageValue": "70"}}});
        assert_eq!(resolve(&json!([cpu])), None);
        assert_eq!(resolve(&json!(null)), None);
        let metric = resolve(&json!([cpu, pods])).unwrap();
        assert_eq!((metric.name.as_str(), metric.other_metrics), ("gpu", 1));
    }

    #[test]
    fn a_failed_request_is_the_controllers_error() {
        let target = json!({"type": "AverageValue", "averageValue": "30"});
        for kind in ["Pods", "Object", "External"] {
            let workload = Workload {
                spec_replicas: 1,
                status_replicas: 1,
                pods: &[],
                tolerance: Tolerance { up: 0.1, down: 0.1 },
            };
            let input = metric(kind, &target).unwrap().to_input(Err("the server is away")).unwrap();
            let error = crate::hpa::propose(&input, &workload).unwrap_err().to_string();
            assert!(error.contains("the server is away"), "{error}");
        }
    }
}
