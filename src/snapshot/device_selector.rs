//! The part of the CEL expressions of DeviceClasses (DRA) that gpuhpa evaluates: equality of the driver and of text attributes,
//! joined by `&&`. That is how the drivers' own classes select their devices.

use k8s_openapi::api::resource::v1::Device;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceSelector(Vec<SelectorCondition>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum SelectorCondition {
    /// `device.driver == "gpu.nvidia.com"`
    Driver(String),
    /// `device.attributes["gpu.nvidia.com"].type == "gpu"`: domain, name and value.
    Attribute(String, String, String),
}

impl DeviceSelector {
    /// Parses an expression; `None` for one that has anything else in it.
    pub(crate) fn parse(expression: &str) -> Option<Self> {
        expression.split("&&").map(|part| SelectorCondition::parse(part.trim())).collect::<Option<_>>().map(Self)
    }

    /// Whether the expression selects a device of this driver.
    pub(crate) fn selects(&self, driver: &str, device: &Device) -> bool {
        self.0.iter().all(|condition| condition.holds(driver, device))
    }
}

impl SelectorCondition {
    fn parse(text: &str) -> Option<Self> {
        let (left, right) = text.split_once("==")?;
        let (left, value) = (left.trim(), parse_string(right.trim())?.to_owned());
        if left == "device.driver" {
            return Some(Self::Driver(value));
        }
        let (domain, name) = left.strip_prefix("device.attributes[")?.split_once("].")?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then_some(Self::Attribute(parse_string(domain)?.to_owned(), name.to_owned(), value))
    }

    /// An attribute without a domain belongs to the domain of the driver.
    fn holds(&self, driver: &str, device: &Device) -> bool {
        match self {
            Self::Driver(wanted) => driver == wanted,
            Self::Attribute(domain, name, value) => {
                let attributes = device.attributes.as_ref();
                let of = |key: &str| attributes.and_then(|all| all.get(key)?.string.as_deref());
                let own = || of(name).filter(|_| domain == driver);
                of(&format!("{domain}/{name}")).or_else(own) == Some(value.as_str())
            }
        }
    }
}

/// A literal of CEL without escapes.
fn parse_string(text: &str) -> Option<&str> {
    let inner = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))?;
    (!inner.contains(['"', '\'', '\\'])).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn drivers_and_text_attributes_are_compared() {
        let device: Device = serde_json::from_value(json!({"name": "gpu-0", "attributes": {
            "type": {"string": "gpu"}, "vendor.example/kind": {"string": "big"}, "index": {"int": 3}}}))
        .unwrap();
        for (expression, expected) in [
            ("device.driver == \"gpu.nvidia.com\"", Some(true)),
            ("device.driver=='gpu.amd.com'", Some(false)),
            ("device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'", Some(true)),
            ("device.attributes[\"gpu.nvidia.com\"].type == 'mig'", Some(false)),
            ("device.attributes['other.example'].type == 'gpu'", Some(false)),
            ("device.attributes['vendor.example'].kind == 'big'", Some(true)),
            ("device.attributes['gpu.nvidia.com'].index == 3", None),
            ("device.driver == 'a' || device.driver == 'b'", None),
            ("!(device.driver == 'a')", None),
            ("device.driver != 'a'", None),
            ("device.driver == 'a' + 'b'", None),
            ("true", None),
        ] {
            let found = DeviceSelector::parse(expression).map(|one| one.selects("gpu.nvidia.com", &device));
            assert_eq!(found, expected, "{expression}");
        }
    }
}
