//! The scenario: what to install, scale, load and expect. A scenario is one YAML file, or several that override each
//! other. Every key has a default.
//!
//! The doc comments of these types are the descriptions in scenarios/schema.json.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use super::accelerator::Accelerator;
use super::assumptions::Assumptions;
pub use super::hpa_source::{AdoptSpec, HpaUnderTest, ScaledObjectSpec};
use super::load::LoadSpec;
use super::metric_profile::MetricProfile;
use super::nullable_map::without_nulls;
use super::shipped_profiles::{ProfileChoice, deserialize_profile};
use crate::units::HumanDuration;

/// A conformance scenario. Durations are written like 90s, 10m or 1h30m.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scenario {
    /// Name of the scenario in the evidence.
    pub name: String,
    /// Base scenario that this file overrides: a path relative to this file, or `builtin://ollama-gpu-utilization.yaml`. Maps
    /// are merged; lists and scalars replace those of the base scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// What the scenario tests, in a sentence or two.
    pub description: String,
    /// Disclosures to the readers of the evidence: simulated accelerators, shortened windows and other deviations from
    /// a production platform.
    pub declares: Vec<String>,
    /// Namespace of the target, the HPA and the Service. gpuhpa creates a missing namespace and deletes it at the end.
    pub namespace: String,
    /// Helm releases by release name, installed in the order of their names. `null` removes a release of the base
    /// scenario.
    #[serde(deserialize_with = "without_nulls")]
    #[schemars(with = "BTreeMap<String, Option<ReleaseSpec>>")]
    pub releases: BTreeMap<String, ReleaseSpec>,
    /// The HPA under test.
    pub hpa: HpaUnderTest,
    /// An HPA that exists already, in place of `hpa`, whose spec gpuhpa then reads from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) adopt: Option<AdoptSpec>,
    /// A ScaledObject that gpuhpa applies, in place of `hpa`, which KEDA then creates from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scaled_object: Option<ScaledObjectSpec>,
    /// The HPA's metric: its profile and value range, and the hops of its pipeline before the metrics API.
    pub metric: MetricSources,
    /// Endpoint that the load is sent to.
    pub endpoint: EndpointSpec,
    /// The load: chat requests to the target.
    pub load: LoadSpec,
    /// Timeouts of install and clean-up, and the length of the baseline.
    pub phases: PhaseLimits,
    /// What the HPA must reach under load.
    pub expect: Expectation,
    /// Accelerator that each pod of the target must request: auto, standIn, or an extended resource such as
    /// nvidia.com/gpu. auto and standIn mean the accelerators of the metric's profile, if it lists any. Default: auto.
    pub accelerator: Accelerator,
    /// Times and flags of the cluster that gpuhpa cannot read.
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
            adopt: None,
            scaled_object: None,
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

impl Scenario {
    /// All namespaces: the target's, then those of the releases in their order, each once.
    #[must_use]
    pub(crate) fn namespaces(&self) -> Vec<String> {
        let mut all = vec![self.namespace.clone()];
        for name in self.releases.keys() {
            let namespace = self.release_namespace(name);
            if all.iter().all(|known| known != namespace) {
                all.push(namespace.to_owned());
            }
        }
        all
    }

    /// Namespace of a release; by default that of the scenario.
    #[must_use]
    pub(crate) fn release_namespace(&self, name: &str) -> &str {
        self.releases.get(name).and_then(|release| release.namespace.as_ref()).unwrap_or(&self.namespace)
    }
}

/// A helm release.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReleaseSpec {
    /// Chart: a path that begins with `.` or `/` (relative to this file), `oci://REGISTRY/CHART`, or the name of a
    /// chart in `repo`.
    pub(crate) chart: String,
    /// URL of the chart repository (helm's `--repo`).
    pub(crate) repo: Option<String>,
    /// Version of the chart; required unless the chart is a path.
    pub(crate) version: Option<String>,
    /// Namespace of the release. Default: the scenario's namespace.
    pub(crate) namespace: Option<String>,
    /// Values of the chart (helm's `--values`).
    #[schemars(with = "serde_json::Value")]
    pub values: serde_json::Map<String, serde_json::Value>,
    /// What to do if the release already exists. Default: fail.
    pub(crate) if_exists: IfExists,
    /// Use plain HTTP for the OCI registry (helm's `--plain-http`). Default: false.
    pub(crate) plain_http: bool,
    /// Path of a CA bundle for the chart's registry or repository (helm's `--ca-file`).
    pub(crate) ca_file: Option<String>,
    /// Path of a file with registry credentials (helm's `--registry-config`).
    pub(crate) registry_config: Option<String>,
}

/// What to do if a release, or an APIService that it contains, already exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum IfExists {
    /// Do not start the run.
    #[default]
    Fail,
    /// Use the existing release unchanged; never remove it.
    Adopt,
    /// Run `helm upgrade`, and `helm rollback` to the previous revision at the end.
    Upgrade,
}

/// The HPA's metric: its profile and value range, and the hops of its pipeline before the metrics API.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricSources {
    /// Profile of the exporter: the name of a shipped profile (a file of the folder `profiles`, for example dcgm), or a
    /// profile that is written out. Default: usual label names, any accelerator, no range.
    #[serde(deserialize_with = "deserialize_profile", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ProfileChoice>")]
    pub(crate) profile: Option<MetricProfile>,
    /// Smallest and largest possible value of one series, in the unit of the metric: [0, 300] for a sum of three
    /// utilizations in percent. Default: the range in the profile of the series that the exporter or the store names.
    /// Without one, gpuhpa cannot tell in advance which replicas the metric can reach.
    pub(crate) range: Option<[f64; 2]>,
    /// Unit of the metric in the report, for example percent. Default: the unit in the profile.
    pub(crate) unit: String,
    /// Prometheus-compatible store that the metrics API queries. Without it, gpuhpa does not read this hop.
    pub(crate) store: Option<StoreSpec>,
    /// Exporter that the store scrapes. Without it, gpuhpa does not read this hop.
    pub(crate) exporter: Option<ExporterSpec>,
}

/// A Prometheus-compatible store. Exactly one of `url` and `service` is required.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct StoreSpec {
    /// Base URL of the store, reachable from the machine that runs gpuhpa.
    pub(crate) url: Option<String>,
    /// Service of the store, reached through the API server's service proxy.
    pub(crate) service: Option<ServiceRef>,
    /// PromQL series selector of the raw samples, for example `DCGM_FI_DEV_GPU_UTIL{namespace="gpuhpa"}`.
    pub(crate) series: String,
}

/// A port of a Service, reached through the API server's service proxy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ServiceRef {
    /// Namespace of the Service.
    pub(crate) namespace: String,
    /// Name of the Service.
    pub(crate) name: String,
    /// Number or name of the port, a string: "9090".
    pub(crate) port: String,
    /// Path before `/api/v1`, for example `/select/0/prometheus`. Default: none.
    pub(crate) path: String,
}

/// Pods of the exporter, read through the API server's pod proxy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ExporterSpec {
    /// Namespace of the exporter's pods.
    pub(crate) namespace: String,
    /// Labels of the exporter's pods. `null` removes a label of the base scenario.
    #[serde(deserialize_with = "without_nulls")]
    #[schemars(with = "BTreeMap<String, Option<String>>")]
    pub(crate) pod_labels: BTreeMap<String, String>,
    /// Port of the exporter's /metrics.
    pub(crate) port: u16,
    /// Name of the metric in the exposition, for example `DCGM_FI_DEV_GPU_UTIL`.
    pub(crate) metric_name: String,
}

/// Endpoint that the load is sent to. gpuhpa creates a Service for NodePort and LoadBalancer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EndpointSpec {
    /// Type of endpoint. Default: NodePort.
    #[serde(rename = "type")]
    pub(crate) kind: EndpointType,
    /// Base URL of the target, http:// or https://; only with `type: URL`, and required there.
    pub(crate) url: Option<String>,
    /// Container port of the target. Default: that of the load's protocol.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) port: u16,
    /// Node port of a NodePort Service. Default: assigned by Kubernetes.
    pub(crate) node_port: Option<u16>,
    /// Host name or IP address of a node, for NodePort. Default: the address of a Ready node. Set it if that address is
    /// not reachable from the machine that runs gpuhpa.
    pub(crate) node_address: Option<String>,
    /// Selector of the Service. Default: matchLabels of the target.
    #[serde(deserialize_with = "without_nulls")]
    #[schemars(with = "BTreeMap<String, Option<String>>")]
    pub(crate) selector: BTreeMap<String, String>,
}

impl Default for EndpointSpec {
    fn default() -> Self {
        Self {
            kind: EndpointType::NodePort,
            url: None,
            // The protocol's, which fills it in when a scenario is loaded.
            port: 0,
            node_port: None,
            node_address: None,
            selector: BTreeMap::new(),
        }
    }
}

fn is_zero(port: &u16) -> bool {
    *port == 0
}

/// Type of endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum EndpointType {
    /// A NodePort Service, at the address of a node.
    NodePort,
    /// A LoadBalancer Service, at the address that the platform assigns.
    LoadBalancer,
    /// An existing URL of the target; gpuhpa creates no Service.
    #[serde(rename = "URL")]
    Url,
}

/// Timeouts of install and clean-up, and the length of the baseline.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PhaseLimits {
    /// Timeout of helm, of the load balancer's address, and of the target's pods to become Ready (image pull included).
    /// Default: 15m.
    pub(crate) install_timeout: HumanDuration,
    /// Timeout of the clean-up. Default: 5m.
    pub(crate) cleanup_timeout: HumanDuration,
    /// Length of the baseline without load, in sync periods of the controller. At least 2. Default: 3.
    pub(crate) baseline_sync_periods: u32,
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

/// What the HPA must reach under load.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Expectation {
    /// Replicas that the HPA must reach under load, from minReplicas + 1 to maxReplicas. Default: minReplicas + 1.
    pub(crate) replicas: Option<i32>,
}
