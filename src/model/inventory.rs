//! What was found in the cluster before the first change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::observation::NodeSnapshot;
pub use super::permission::{PermissionCheck, PermissionStage};
pub use super::preflight::{ExistingTarget, PreflightFindings, QuotaHeadroom, RejectedObject, RequiredObject};
pub use super::rendered::{BoundRole, RenderedObject, RoleGrant};

/// inventory.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Wall time at which the run's clock was started: what `atMs` counts from.
    pub started: Timestamp,
    /// Kubeconfig context, where there is one.
    pub kube_context: String,
    /// Address of the API server.
    pub server: String,
    /// Kubernetes version, for example v1.37.2.
    pub kubernetes_version: String,
    /// gpuhpa's own version.
    pub gpuhpa_version: String,
    /// The cluster was a simulated one: what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulationInfo>,
    /// helm's version, for example v4.3.1.
    pub helm_version: String,
    /// autoscaling/v2 is served. False makes the requirement not applicable.
    pub hpa_served: bool,
    /// APIServices of the metrics groups, by name.
    pub metrics_apis: BTreeMap<String, MetricsApi>,
    /// Nodes; empty when they may not be read.
    pub nodes: Vec<NodeSnapshot>,
    /// Addresses of the nodes, in the nodes' order.
    pub node_addresses: Vec<String>,
    /// Accelerators in use by pods that are already there, by resource; absent when pods may not be listed.
    pub accelerators_used: Option<BTreeMap<String, i64>>,
    /// The namespaces of the scenario that exist already.
    pub existing_namespaces: Vec<String>,
    /// Those of them that are being deleted.
    #[serde(default)]
    pub terminating_namespaces: Vec<String>,
    /// The run that has claimed the scenario's target, if one has.
    #[serde(default)]
    pub target_lease: Option<TargetLease>,
    /// HPAs that scale the scenario's target already.
    #[serde(default)]
    pub existing_hpas: Vec<String>,
    /// The releases of the scenario that exist already, by release name.
    pub existing_releases: BTreeMap<String, ExistingRelease>,
    /// Rights that were asked about.
    pub permissions: Vec<PermissionCheck>,
    /// What stands in the way of the first changes.
    #[serde(default)]
    pub preflight: PreflightFindings,
    /// Charts of the scenario: digest of what helm will install, by release.
    pub charts: BTreeMap<String, ChartSummary>,
}

/// A simulated cluster, as far as a reader needs it to have the same again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulationInfo {
    /// Seed of everything that chance decided in it.
    pub seed: u64,
    /// What differed from the healthy default: `NAME=VALUE`.
    pub params: Vec<String>,
    /// The fault that it had, by name.
    pub fault: Option<String>,
}

impl Inventory {
    /// What a run is for a platform.
    #[must_use]
    pub fn evidence_statement(&self) -> &'static str {
        if self.simulated.is_some() { "no evidence about any" } else { "evidence for it" }
    }

    /// The command that runs the bundle's scenario again.
    #[must_use]
    pub fn reproduce_command(&self) -> String {
        let Some(SimulationInfo { seed, params: set, fault }) = &self.simulated else {
            return "gpuhpa verify -f scenario.yaml".to_owned();
        };
        let set = set.iter().map(|set| format!(" --set {set}"));
        let more: String = set.chain(fault.iter().map(|fault| format!(" --fault {fault}"))).collect();
        format!("gpuhpa rehearse -f scenario.yaml --seed {seed}{more}")
    }
}

/// A run's claim of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetLease {
    /// Id of the run.
    pub run: String,
    /// Since when.
    pub acquired: Option<Timestamp>,
    /// When it was last renewed.
    #[serde(default)]
    pub renewed: Option<Timestamp>,
    /// When it runs out unless it is renewed.
    pub expires: Option<Timestamp>,
}

impl TargetLease {
    /// The claim ran out before this time: its run was killed, or left what it made on purpose.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|until| until < now)
    }
}

impl std::fmt::Display for TargetLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |time: Option<Timestamp>| time.map_or("?".to_owned(), |t| t.strftime("%FT%TZ").to_string());
        let Self { run, acquired: since, renewed, .. } = self;
        write!(
            f,
            "run {run} has claimed the target since {}, and last renewed its claim at {}",
            time(*since),
            time(*renewed)
        )
    }
}

/// An APIService of a metrics group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsApi {
    /// `namespace/name` of the Service behind it.
    pub service: String,
    /// The Available condition is True.
    pub available: bool,
    /// helm release that owns it, `namespace/name`, by its annotations.
    pub release: Option<String>,
    /// A run of gpuhpa made that release, and is going to remove it.
    #[serde(default)]
    pub made_by_run: bool,
}

/// A helm release that is already there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExistingRelease {
    /// Namespace.
    pub namespace: String,
    /// Revision.
    pub revision: i64,
    /// Status, for example deployed.
    pub status: String,
    /// Chart name and version.
    pub chart: String,
    /// A run of gpuhpa made it, and is going to remove it.
    #[serde(default)]
    pub made_by_run: bool,
}

/// What helm says of a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartSummary {
    /// Chart name.
    pub name: String,
    /// Chart version.
    pub version: String,
    /// appVersion.
    pub app_version: String,
    /// sha256 of what `helm template` renders with the scenario's values.
    pub rendered_digest: String,
    /// spec.replicas of the target as the chart renders it, when it does.
    pub target_replicas: Option<i32>,
    /// Extended resources of one pod of the target, when this chart renders the target.
    pub target_resources: Option<BTreeMap<String, i64>>,
    /// APIServices that the chart renders: each is a singleton of the cluster.
    pub api_services: Vec<String>,
    /// Every object that the chart renders.
    #[serde(default)]
    pub objects: Vec<RenderedObject>,
    /// What the chart's roles grant: who makes a role must hold as much.
    #[serde(default)]
    pub grants: Vec<RoleGrant>,
    /// What its objects name and cannot do without.
    #[serde(default)]
    pub required_objects: Vec<RequiredObject>,
    /// Node ports of its Services, by Service.
    #[serde(default)]
    pub node_ports: BTreeMap<String, i32>,
    /// Names of the target's volumeClaimTemplates, when this chart renders the target as a StatefulSet.
    #[serde(default)]
    pub volume_claim_templates: Vec<String>,
    /// Roles of others that the chart binds.
    #[serde(default)]
    pub bound_roles: Vec<BoundRole>,
}
