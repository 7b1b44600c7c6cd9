//! Identities of metrics in an HPA's spec, and their names in events and conditions. Match expressions of metric
//! selectors are not modelled.

use std::collections::BTreeMap;

use super::TargetType;
use super::text::selector_text;

/// A metric with one sample per pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodsMetric {
    /// The metric's name.
    pub name: String,
}

/// The object that an Object metric describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedObjectRef {
    /// Kind, as written in `describedObject`.
    pub kind: String,
    /// The HPA's namespace; the controller's error texts contain it for the kind Namespace too.
    pub namespace: String,
    /// Name, as written in `describedObject`.
    pub name: String,
}

/// A metric that describes one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMetric {
    /// The metric's name.
    pub name: String,
    /// Selector labels of the metric, if any.
    pub selector: Option<BTreeMap<String, String>>,
    /// The described object.
    pub object: DescribedObjectRef,
}

/// A metric of the external metrics API: the sum of the selected series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalMetric {
    /// The metric's name.
    pub name: String,
    /// The HPA's namespace.
    pub namespace: String,
    /// Selector labels of the series, if any.
    pub selector: Option<BTreeMap<String, String>>,
}

impl PodsMetric {
    /// The name in events and conditions: `pods metric NAME`.
    pub(crate) fn event_name(&self) -> String {
        format!("pods metric {}", self.name)
    }
}

impl ObjectMetric {
    /// The name in events and conditions: `KIND metric NAME` for a Value target. For `AverageValue` the controller
    /// itself writes `external metric NAME(SELECTOR)` (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go,
    /// `computeStatusForObjectMetric`; SCHEMA.md, reconcile step 5).
    pub(crate) fn event_name(&self, target: TargetType) -> String {
        match target {
            TargetType::Value => format!("{} metric {}", self.object.kind, self.name),
            TargetType::AverageValue => external_name(&self.name, self.selector.as_ref()),
        }
    }
}

impl ExternalMetric {
    /// The name in events and conditions: `external metric NAME(SELECTOR)`, with `nil` for no selector.
    pub(crate) fn event_name(&self) -> String {
        external_name(&self.name, self.selector.as_ref())
    }
}

fn external_name(name: &str, selector: Option<&BTreeMap<String, String>>) -> String {
    format!("external metric {name}({})", selector_text(selector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_metric_with_an_average_value_calls_itself_external() {
        let object = DescribedObjectRef { kind: "Service".into(), namespace: "default".into(), name: "llm".into() };
        let metric = ObjectMetric { name: "gpu".into(), selector: None, object };
        assert_eq!(metric.event_name(TargetType::Value), "Service metric gpu");
        assert_eq!(metric.event_name(TargetType::AverageValue), "external metric gpu(nil)");
    }
}
