//! The accelerator that the pods of a run must request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The accelerator that each pod of the target must request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// Any extended resource or ResourceClaim (DRA) that is not known to be something else, such as a network interface.
    Auto,
    /// As `auto`, on a cluster whose accelerators are stand-ins: every output is stamped STAND-IN, and a model
    /// need not be in accelerator memory.
    StandIn,
    /// The extended resource of this name; a ResourceClaim does not count.
    Resource(String),
}

impl Accelerator {
    /// True on a cluster whose accelerators are stand-ins.
    #[must_use]
    pub(crate) fn is_stand_in(&self) -> bool {
        *self == Self::StandIn
    }

    /// True when a container resource of this name counts as an accelerator request. `auto` and `standIn` match every
    /// extended resource.
    #[must_use]
    pub(crate) fn matches(&self, resource: &str) -> bool {
        match self {
            Self::Resource(name) => name == resource,
            Self::Auto | Self::StandIn => is_extended_resource(resource),
        }
    }
}

/// True for the name of an extended resource: a fully qualified name outside the kubernetes.io domains and without the quota
/// prefix `requests.` (kubernetes v1.37.2, pkg/apis/core/v1/helper/helpers.go, `IsExtendedResourceName`).
#[must_use]
pub(crate) fn is_extended_resource(name: &str) -> bool {
    name.split_once('/').is_some_and(|(domain, _)| {
        domain != "kubernetes.io" && !domain.ends_with(".kubernetes.io") && !domain.starts_with("requests.")
    })
}

impl Serialize for Accelerator {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Auto => "auto",
            Self::StandIn => "standIn",
            Self::Resource(name) => name,
        })
    }
}

impl<'de> Deserialize<'de> for Accelerator {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            "standIn" => Ok(Self::StandIn),
            name if name.contains('/') => Ok(Self::Resource(name.to_owned())),
            other => Err(serde::de::Error::custom(format!(
                "`{other}` is not an accelerator: use auto, standIn or an extended resource such as nvidia.com/gpu"
            ))),
        }
    }
}

impl JsonSchema for Accelerator {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Accelerator".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "auto: an extended resource of the metric's profile, or any where it lists none, or a \
                            ResourceClaim (DRA), unless it is known to be something else, such as a network interface. \
                            standIn: as auto, but the accelerators are simulated: every output is stamped STAND-IN, and \
                            model memory is not checked. Else the name of an extended resource, which alone counts.",
            "examples": ["auto", "standIn", "nvidia.com/gpu"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_matches_extended_resources_and_no_native_resource() {
        let matches = |name| Accelerator::Auto.matches(name);
        assert!(matches("nvidia.com/gpu") && matches("amd.com/gpu") && matches("nvidia.com/mig-1g.10gb"));
        assert!(
            !matches("cpu")
                && !matches("hugepages-2Mi")
                && !matches("kubernetes.io/x")
                && !matches("a.kubernetes.io/x")
        );
        let resource = Accelerator::Resource("amd.com/gpu".to_owned());
        assert!(resource.matches("amd.com/gpu") && !resource.matches("nvidia.com/gpu"));
    }
}
