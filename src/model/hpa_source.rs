//! Where the HPA under test comes from: the run applies it, KEDA creates it from a ScaledObject of the run, or it exists already.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scenario::Scenario;

/// The HPA under test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HpaUnderTest {
    /// autoscaling/v2 HorizontalPodAutoscalerSpec, passed through. `scaleTargetRef` is an apps/v1 Deployment or
    /// StatefulSet, `metrics` has exactly one Pods, Object or External metric, and `maxReplicas` is greater than
    /// `minReplicas` (at least 1).
    #[schemars(with = "serde_json::Value")]
    pub spec: HorizontalPodAutoscalerSpec,
}

/// An HPA that exists before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AdoptSpec {
    /// Name of the HPA in the scenario's namespace.
    pub(crate) hpa: String,
}

/// A ScaledObject of KEDA.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScaledObjectSpec {
    /// Spec of the ScaledObject (keda.sh/v1alpha1), passed through. It has exactly one trigger, of type prometheus,
    /// `minReplicaCount` is at least 1, and `maxReplicaCount` is greater.
    #[schemars(with = "serde_json::Value")]
    pub(crate) spec: serde_json::Map<String, serde_json::Value>,
}

/// Where the HPA under test comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HpaSource<'a> {
    /// The run applies it.
    Applied,
    /// It exists, under this name.
    Adopted(&'a str),
    /// KEDA creates it from the run's ScaledObject.
    ScaledObject,
}

impl Scenario {
    /// Where the HPA under test comes from.
    #[must_use]
    pub(crate) fn hpa_source(&self) -> HpaSource<'_> {
        match (&self.adopt, &self.scaled_object) {
            (Some(adopt), _) => HpaSource::Adopted(&adopt.hpa),
            (None, Some(_)) => HpaSource::ScaledObject,
            (None, None) => HpaSource::Applied,
        }
    }
}

impl HpaSource<'_> {
    /// How the HPA came to the run, as a noun.
    #[must_use]
    pub(crate) fn beginning(self) -> &'static str {
        if self == Self::Applied { "creation" } else { "adoption" }
    }
}

/// An adopted HPA before the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdoptedHpa {
    /// Its uid.
    pub(crate) uid: String,
    /// Its spec.
    pub(crate) spec: HorizontalPodAutoscalerSpec,
    /// The object that controls it, if any: `ScaledObject NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) controller: Option<String>,
    /// The ScaledObject that controls it, as far as it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scaled_object: Option<ScaledObjectSizes>,
}

impl AdoptedHpa {
    /// Whether a ScaledObject controls it.
    #[must_use]
    pub(crate) fn is_of_scaled_object(&self) -> bool {
        self.controller.as_ref().is_some_and(|controller| controller.starts_with("ScaledObject "))
    }
}

/// The sizes of a ScaledObject below which KEDA's operator itself scales the target, and its query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScaledObjectSizes {
    /// Name.
    pub(crate) name: String,
    /// spec.minReplicaCount; 0 where it is absent.
    pub(crate) min_replica_count: i64,
    /// spec.idleReplicaCount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idle_replica_count: Option<i64>,
    /// Its condition Fallback is True: KEDA serves a constant number while its trigger fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_falling_back: bool,
    /// The annotation that pauses it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused_by: Option<String>,
    /// Its trigger, if it has only one, of type prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trigger: Option<PrometheusTrigger>,
}

/// The trigger of a ScaledObject of which KEDA makes the metric under test: a query of a Prometheus-compatible store
/// (kedacore/keda v2.21.0, pkg/scalers/prometheus_scaler.go, `prometheusMetadata`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PrometheusTrigger {
    /// metadata.query.
    pub(crate) query: String,
    /// A tenancy proxy adds the namespace to each selector of the query (metadata.namespace, metadata.queryParameters).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_restricted: bool,
    /// KEDA serves 0 where the query finds nothing: metadata.ignoreNullValues is not "false".
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ignores_null_values: bool,
}

impl PrometheusTrigger {
    /// The only trigger of a ScaledObject with these triggers; `None` for several, and for one of another type.
    #[must_use]
    pub(crate) fn from_triggers(triggers: &Value) -> Option<Self> {
        let [trigger] = triggers.as_array()?.as_slice() else { return None };
        let metadata = &trigger["metadata"];
        let has_namespace = |key: &str| metadata[key].as_str().is_some_and(|text| text.contains("namespace"));
        (trigger["type"] == "prometheus").then_some(Self {
            query: metadata["query"].as_str()?.to_owned(),
            is_restricted: metadata["namespace"].is_string() || has_namespace("queryParameters"),
            ignores_null_values: metadata["ignoreNullValues"] != "false",
        })
    }
}

/// The trigger of which KEDA makes the metric under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TriggerUnderTest {
    pub(crate) trigger: PrometheusTrigger,
    /// Name of the ScaledObject, if it exists already.
    adopted: Option<String>,
}

impl TriggerUnderTest {
    /// The trigger of the ScaledObject that the run applies, or of the one that controls the HPA that it adopts. `None` without such
    /// a ScaledObject, or where it could not be read.
    #[must_use]
    pub(crate) fn new(scenario: &Scenario, adopted: Option<&AdoptedHpa>) -> Option<Self> {
        match scenario.hpa_source() {
            HpaSource::Applied => None,
            HpaSource::ScaledObject => {
                let triggers = scenario.scaled_object.as_ref()?.spec.get("triggers")?;
                Some(Self { trigger: PrometheusTrigger::from_triggers(triggers)?, adopted: None })
            }
            HpaSource::Adopted(_) => {
                let owner = adopted?.scaled_object.as_ref()?;
                Some(Self { trigger: owner.trigger.clone()?, adopted: Some(owner.name.clone()) })
            }
        }
    }

    /// The place of a key of its metadata.
    #[must_use]
    pub(crate) fn place_of(&self, key: &str) -> String {
        match &self.adopted {
            Some(name) => format!("metadata.{key} of ScaledObject {name}'s trigger"),
            None => format!("scaledObject.spec.triggers.0.metadata.{key}"),
        }
    }
}
