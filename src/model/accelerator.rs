//! Which accelerator the pods of a run must request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which accelerator the pods must request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// Any extended resource or DRA claim of the pods.
    Auto,
    /// As `auto`, on a cluster whose accelerators are stand-ins: every output says so, `size_vram` is not asked for.
    StandIn,
    /// This extended resource.
    Resource(String),
}

impl Accelerator {
    /// True on a cluster whose accelerators are stand-ins.
    #[must_use]
    pub fn is_stand_in(&self) -> bool {
        *self == Self::StandIn
    }

    /// True when a container resource of this name counts as an accelerator request: an extended resource, which is
    /// any fully qualified name outside the kubernetes.io domains (docs: Extended Resources).
    #[must_use]
    pub fn matches(&self, resource: &str) -> bool {
        match self {
            Self::Resource(name) => name == resource,
            Self::Auto | Self::StandIn => resource.split_once('/').is_some_and(|(domain, _)| {
                domain != "kubernetes.io" && !domain.ends_with(".kubernetes.io") && !domain.starts_with("requests.")
            }),
        }
    }
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
                "`{other}` is no accelerator; write auto, standIn or a resource name such as nvidia.com/gpu"
            ))),
        }
    }
}

impl JsonSchema for Accelerator {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Accelerator".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "auto, standIn, or an extended resource's name",
            "examples": ["auto", "standIn", "nvidia.com/gpu"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_matches_extended_resources_and_nothing_of_kubernetes_itself() {
        let covered = |name| Accelerator::Auto.matches(name);
        assert!(covered("nvidia.com/gpu") && covered("amd.com/gpu") && covered("nvidia.com/mig-1g.10gb"));
        assert!(
            !covered("cpu")
                && !covered("hugepages-2Mi")
                && !covered("kubernetes.io/x")
                && !covered("a.kubernetes.io/x")
        );
        let named = Accelerator::Resource("amd.com/gpu".to_owned());
        assert!(named.matches("amd.com/gpu") && !named.matches("nvidia.com/gpu"));
    }
}
