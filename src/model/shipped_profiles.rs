//! The shipped profiles: the files of the folder `profiles`, which are part of the binary. A scenario names one of them; it is
//! written out as soon as the scenario is read, so that a bundle contains the profile of its run, whatever later versions of
//! the file say.

use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::metric_profile::{BlankValues, MetricProfile};
use crate::units::Milli;

/// Name and text of each file of `profiles`, sorted by name. build.rs writes the table.
const SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped_profiles.rs"));

static GENERIC: LazyLock<MetricProfile> = LazyLock::new(|| find("generic").unwrap_or_default());

/// The blank values of all shipped profiles that are too large for a measurement.
static LARGE_BLANKS: LazyLock<Vec<BlankValues>> = LazyLock::new(|| {
    let blanks = names().filter_map(|name| find(name).ok()).map(|profile| profile.blank_values);
    blanks
        .map(|blanks| BlankValues {
            equal: blanks.equal.into_iter().filter(|value| *value >= SMALLEST_LARGE_BLANK).collect(),
            above: blanks.above.filter(|limit| *limit >= SMALLEST_LARGE_BLANK),
        })
        .collect()
});

/// Smaller blank values, such as -1, are measurements of other exporters.
const SMALLEST_LARGE_BLANK: f64 = 2_000_000_000.0;

/// A name that leads to no profile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    /// No file has this name.
    #[error(
        "unknown profile `{name}`: the shipped profiles are {}; any other profile is written out in place, as a map",
        .shipped.join(", ")
    )]
    Unknown {
        /// The name.
        name: String,
        /// The names of the shipped profiles.
        shipped: Vec<&'static str>,
    },
    /// The file is not a profile.
    #[error("the shipped profile {name} is not valid: {reason}")]
    Invalid {
        /// The name.
        name: String,
        /// The parser's error.
        reason: String,
    },
}

/// True for a blank value of a shipped profile that no exporter measures: a scenario without the profile of its exporter shows
/// it as a value.
pub(crate) fn is_large_blank(value: Milli) -> bool {
    // A blank of 2^47 has no exact value in thousandths.
    let rounded = (value.0.saturating_add(500)).div_euclid(1000);
    #[expect(clippy::cast_precision_loss, reason = "the blanks above 2^53 are limits, which need no exact value")]
    let number = rounded as f64;
    number >= SMALLEST_LARGE_BLANK && LARGE_BLANKS.iter().any(|blanks| blanks.contains(number))
}

/// The names of the shipped profiles.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// The names of the shipped profiles of which `is` is true.
pub(crate) fn names_where(is: impl Fn(&MetricProfile) -> bool) -> impl Iterator<Item = &'static str> {
    names().filter(move |name| find(name).is_ok_and(|profile| is(&profile)))
}

/// The shipped profile of this name.
pub(crate) fn find(name: &str) -> Result<MetricProfile, ProfileError> {
    let Some((_, text)) = SHIPPED.iter().find(|(known, _)| *known == name) else {
        return Err(ProfileError::Unknown { name: name.to_owned(), shipped: names().collect() });
    };
    serde_saphyr::from_str(text).map_err(|e| ProfileError::Invalid { name: name.to_owned(), reason: e.to_string() })
}

/// The profile that applies to a scenario without one: usual label names, and nothing else.
pub(super) fn generic() -> &'static MetricProfile {
    &GENERIC
}

/// How a scenario states its profile.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used: a profile that is read has no name to look up any more")]
pub(super) enum ProfileChoice {
    /// Name of a shipped profile.
    Name(String),
    /// A profile that is written out in place.
    Profile(Box<MetricProfile>),
}

/// Reads the name of a shipped profile, or a profile.
pub(super) fn deserialize_profile<'de, D: Deserializer<'de>>(file: D) -> Result<Option<MetricProfile>, D::Error> {
    file.deserialize_any(ProfileVisitor)
}

struct ProfileVisitor;

impl<'de> Visitor<'de> for ProfileVisitor {
    type Value = Option<MetricProfile>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a shipped profile, or a profile as a map")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, file: D) -> Result<Self::Value, D::Error> {
        file.deserialize_any(self)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        find(name).map(Some).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        MetricProfile::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_parses_and_is_named_as_its_file() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles")).unwrap();
        assert_eq!(files.count(), SHIPPED.len(), "profiles contains a file that is not NAME.yaml");
        assert!(names().any(|name| name == "dcgm") && names().any(|name| name == "generic"));
        for name in names() {
            let profile = find(name).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(profile.name, name);
            assert!(!profile.description.is_empty(), "{name} has no description");
        }
    }

    #[test]
    fn a_profile_that_is_written_out_is_read_as_it_was_printed() {
        for name in names() {
            let profile = find(name).unwrap();
            let yaml: MetricProfile = serde_saphyr::from_str(&serde_saphyr::to_string(&profile).unwrap()).unwrap();
            let json: MetricProfile = serde_json::from_str(&serde_json::to_string(&profile).unwrap()).unwrap();
            assert!(yaml == profile && json == profile, "{name}");
        }
    }

    #[test]
    fn the_generic_profile_knows_labels_and_nothing_of_a_series_or_accelerator() {
        let generic = generic();
        assert_eq!(
            (generic.name.as_str(), &generic.labels.pod[..2]),
            ("generic", &["pod", "pod_name"].map(String::from)[..])
        );
        assert!(generic.series.is_empty() && generic.accelerator_resources.is_empty());
        // Only a UUID is known to differ between nodes: another label may have one value for two devices.
        assert!(generic.labels.device.iter().all(|label| label.to_lowercase().contains("uuid")), "{generic:?}");
    }
}
