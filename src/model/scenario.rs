//! A scenario: what is installed, scaled, loaded and expected. One YAML file, or several laid over each other.
//! Every field has a default, so a scenario names only what differs.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::accelerator::Accelerator;
use super::assumptions::Assumptions;
use super::load::LoadSpec;
use crate::units::HumanDuration;

/// One conformance scenario.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scenario {
    /// Name of the scenario, for the evidence.
    pub name: String,
    /// A scenario file that this one is laid over, relative to this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// What the scenario shows, in a sentence or two.
    pub description: String,
    /// What a reader of the evidence has to know: stand-ins, shortened windows and other departures.
    pub declares: Vec<String>,
    /// Namespace of the target, the HPA and the service. Created when missing, and then removed again.
    pub namespace: String,
    /// Helm releases by release name, installed in the order of their names. `null` takes one of a lower layer away.
    #[serde(deserialize_with = "deserialize_releases")]
    #[schemars(with = "BTreeMap<String, Option<ReleaseSpec>>")]
    pub releases: BTreeMap<String, ReleaseSpec>,
    /// The HPA under test.
    pub hpa: HpaUnderTest,
    /// Where the HPA's metric can be read besides the metrics API.
    pub metric: MetricSources,
    /// How the load reaches the target.
    pub endpoint: EndpointSpec,
    /// The load.
    pub load: LoadSpec,
    /// Bounds of the phases that no arithmetic can derive.
    pub phases: PhaseLimits,
    /// What must be reached.
    pub expect: Expectation,
    /// `auto`, `standIn`, or the name of the extended resource (`nvidia.com/gpu`).
    pub accelerator: Accelerator,
    /// Times and settings that ordinary rights cannot read.
    pub assumptions: Assumptions,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "unnamed".to_owned(),
            extends: None,
            description: String::new(),
            declares: Vec::new(),
            namespace: "gpuhpa".to_owned(),
            releases: BTreeMap::new(),
            hpa: HpaUnderTest::default(),
            metric: MetricSources::default(),
            endpoint: EndpointSpec::default(),
            load: LoadSpec::default(),
            phases: PhaseLimits::default(),
            expect: Expectation::default(),
            accelerator: Accelerator::Auto,
            assumptions: Assumptions::default(),
        }
    }
}

/// A release that is `null` in its file is none.
fn deserialize_releases<'de, D: serde::Deserializer<'de>>(file: D) -> Result<BTreeMap<String, ReleaseSpec>, D::Error> {
    let all = BTreeMap::<String, Option<ReleaseSpec>>::deserialize(file)?;
    Ok(all.into_iter().filter_map(|(name, release)| Some((name, release?))).collect())
}

/// One helm release.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReleaseSpec {
    /// A chart as helm names it: a path, `oci://registry/chart`, or a chart's name within `repo`.
    pub chart: String,
    /// Chart repository URL (helm's `--repo`).
    pub repo: Option<String>,
    /// Pinned chart version; required unless the chart is a path.
    pub version: Option<String>,
    /// Namespace of the release; the scenario's when absent.
    pub namespace: Option<String>,
    /// Values, as helm takes them.
    #[schemars(with = "serde_json::Value")]
    pub values: serde_json::Map<String, serde_json::Value>,
    /// What to do when the release exists already.
    pub if_exists: IfExists,
    /// The OCI registry speaks plain HTTP.
    pub plain_http: bool,
    /// CA bundle for the chart's registry or repository.
    pub ca_file: Option<String>,
    /// Registry credentials file (helm's `--registry-config`).
    pub registry_config: Option<String>,
}

/// What to do when a release or an APIService exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IfExists {
    /// Refuse to run.
    #[default]
    Fail,
    /// Use it as it stands, change nothing, remove nothing.
    Adopt,
    /// `helm upgrade`, and `helm rollback` to the earlier revision at the end.
    Upgrade,
}

/// The HPA under test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HpaUnderTest {
    /// An autoscaling/v2 spec as it stands; `scaleTargetRef` names the target.
    #[schemars(with = "serde_json::Value")]
    pub spec: HorizontalPodAutoscalerSpec,
}

/// Where the HPA's metric can be read besides the metrics API, and what it can be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricSources {
    /// Smallest and largest possible value of one series, where known (utilization: `[0, 100]`).
    pub range: Option<[f64; 2]>,
    /// Unit, for people.
    pub unit: String,
    /// The Prometheus-compatible store behind the metrics API.
    pub store: Option<StoreSpec>,
    /// The exporter behind the store.
    pub exporter: Option<ExporterSpec>,
}

/// A Prometheus-compatible store: by URL, or by a Service through the API server's proxy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StoreSpec {
    /// URL reachable from this machine.
    pub url: Option<String>,
    /// Service reached through the API server.
    pub service: Option<ServiceRef>,
    /// Series selector whose raw samples are read, for example `DCGM_FI_DEV_GPU_UTIL{namespace="gpuhpa"}`.
    pub series: String,
}

/// A Service's port, reached through the API server's service proxy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServiceRef {
    /// Namespace of the Service.
    pub namespace: String,
    /// Name of the Service.
    pub name: String,
    /// Port number or name.
    pub port: String,
    /// Prefix of the store's API, for example `/select/0/prometheus`.
    pub path: String,
}

/// Exporter pods, read through the API server's pod proxy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExporterSpec {
    /// Namespace of the exporter's pods.
    pub namespace: String,
    /// Labels of the exporter's pods.
    pub pod_labels: BTreeMap<String, String>,
    /// Port of /metrics.
    pub port: u16,
    /// Metric name in the exposition.
    pub metric_name: String,
}

/// How the load reaches the target. gpuhpa makes a Service of its own for NodePort and LoadBalancer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EndpointSpec {
    /// NodePort, LoadBalancer or URL.
    #[serde(rename = "type")]
    pub kind: EndpointType,
    /// Base URL for `by: URL`.
    pub url: Option<String>,
    /// Container port of the target.
    pub port: u16,
    /// Node port; chosen by the cluster when absent.
    pub node_port: Option<u16>,
    /// Address of a node, when its InternalIP is not reachable from here.
    pub node_address: Option<String>,
    /// Selector of the Service; the target's own when empty.
    pub selector: BTreeMap<String, String>,
}

impl Default for EndpointSpec {
    fn default() -> Self {
        Self {
            kind: EndpointType::NodePort,
            url: None,
            port: 11434,
            node_port: None,
            node_address: None,
            selector: BTreeMap::new(),
        }
    }
}

/// The kinds of way to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EndpointType {
    /// A NodePort Service on a node's address.
    NodePort,
    /// A LoadBalancer Service on the address that the platform assigns.
    LoadBalancer,
    /// A URL that leads to the target already.
    #[serde(rename = "URL")]
    Url,
}

/// Bounds of the phases that no arithmetic can derive.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PhaseLimits {
    /// At most this long for helm and for the target to become available (image pull included).
    pub install_timeout: HumanDuration,
    /// At most this long for the clean-up.
    pub cleanup_timeout: HumanDuration,
    /// Sync periods for which the idle baseline is held.
    pub baseline_sync_periods: u32,
}

impl Default for PhaseLimits {
    fn default() -> Self {
        Self {
            install_timeout: HumanDuration::from_secs(900),
            cleanup_timeout: HumanDuration::from_secs(300),
            baseline_sync_periods: 3,
        }
    }
}

/// What must be reached.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Expectation {
    /// Replicas that the load must lead to; minReplicas + 1 when absent.
    pub replicas: Option<i32>,
}
