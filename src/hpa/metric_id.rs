//! Which metric it is: its identity in an HPA's spec, and the name that events and conditions give it.
//!
//! No values here. Match expressions of metric selectors are not modelled.

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
    /// The HPA's namespace, which error texts print for the kind Namespace too.
    pub namespace: String,
    /// Name, as written in `describedObject`.
    pub name: String,
}

/// A metric that describes one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMetric {
    /// The metric's name.
    pub name: String,
    /// Labels that the metric itself must carry, or none.
    pub selector: Option<BTreeMap<String, String>>,
    /// What it describes.
    pub object: DescribedObjectRef,
}

/// A metric from outside the cluster, the sum of the series that it selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalMetric {
    /// The metric's name.
    pub name: String,
    /// The HPA's namespace.
    pub namespace: String,
    /// Labels that the series must carry, or none.
    pub selector: Option<BTreeMap<String, String>>,
}

impl PodsMetric {
    /// The name in events and conditions: `pods metric NAME`.
    pub fn event_name(&self) -> String {
        format!("pods metric {}", self.name)
    }
}

impl ObjectMetric {
    /// The name in events and conditions: `KIND metric NAME` for a Value target. For `AverageValue` the controller says
    /// `external metric NAME(SELECTOR)` (SCHEMA, reconcile step 5; facts/hpa.md 1.9 calls it an upstream quirk).
    pub fn event_name(&self, target: TargetType) -> String {
        match target {
            TargetType::Value => format!("{} metric {}", self.object.kind, self.name),
            TargetType::AverageValue => external_name(&self.name, self.selector.as_ref()),
        }
    }
}

impl ExternalMetric {
    /// The name in events and conditions: `external metric NAME(SELECTOR)`, with `nil` for no selector.
    pub fn event_name(&self) -> String {
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
