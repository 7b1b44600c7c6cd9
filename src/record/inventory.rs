//! What was found in the cluster before the first change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use super::foresight::{Foresight, Need, QuotaRoom, RefusedObject, StandingTarget};
use super::observation::NodeSeen;
pub use super::rendered::{Binding, Grant, RenderedObject};
pub use super::right::{Part, Right};

/// inventory.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Wall time at which the run's clock was started: what `atMs` counts from.
    pub started: Timestamp,
    /// Kubeconfig context, where there is one.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// Kubernetes version, for example v1.37.2.
    pub kubernetes: String,
    /// gpuhpa's own version.
    pub gpuhpa: String,
    /// The cluster was a simulated one: what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Simulated>,
    /// helm's version, for example v4.3.1.
    pub helm: String,
    /// autoscaling/v2 is served. False makes the requirement not applicable.
    pub hpa_served: bool,
    /// APIServices of the metrics groups, by name.
    pub metrics_apis: BTreeMap<String, MetricsApi>,
    /// Nodes; empty when they may not be read.
    pub nodes: Vec<NodeSeen>,
    /// Addresses of the nodes, in the nodes' order.
    pub node_addresses: Vec<String>,
    /// Accelerators in use by pods that are already there, by resource; absent when pods may not be listed.
    pub accelerators_used: Option<BTreeMap<String, i64>>,
    /// The namespaces of the scenario that exist already.
    pub namespaces: Vec<String>,
    /// Those of them that are being deleted.
    #[serde(default)]
    pub leaving: Vec<String>,
    /// The run that has claimed the scenario's target, if one has.
    #[serde(default)]
    pub claim: Option<Claim>,
    /// HPAs that scale the scenario's target already.
    #[serde(default)]
    pub hpas: Vec<String>,
    /// The releases of the scenario that exist already, by release name.
    pub releases: BTreeMap<String, ExistingRelease>,
    /// Rights that were asked about.
    pub rights: Vec<Right>,
    /// What stands in the way of the first changes.
    #[serde(default)]
    pub foresight: Foresight,
    /// Charts of the scenario: digest of what helm will install, by release.
    pub charts: BTreeMap<String, ChartFacts>,
}

/// A simulated cluster, as far as a reader needs it to have the same again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulated {
    /// Seed of everything that chance decided in it.
    pub seed: u64,
    /// What differed from the healthy default: `NAME=VALUE`.
    pub set: Vec<String>,
    /// The fault that it had, by name.
    pub fault: Option<String>,
}

impl Inventory {
    /// What a run is for a platform.
    #[must_use]
    pub fn is_evidence(&self) -> &'static str {
        if self.simulated.is_some() { "no evidence about any" } else { "evidence for it" }
    }

    /// The command that runs the bundle's scenario again.
    #[must_use]
    pub fn command(&self) -> String {
        let Some(Simulated { seed, set, fault }) = &self.simulated else {
            return "gpuhpa verify -f scenario.yaml".to_owned();
        };
        let set = set.iter().map(|set| format!(" --set {set}"));
        let more: String = set.chain(fault.iter().map(|fault| format!(" --fault {fault}"))).collect();
        format!("gpuhpa rehearse -f scenario.yaml --seed {seed}{more}")
    }
}

/// A run's claim of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Id of the run.
    pub run: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it was last renewed.
    #[serde(default)]
    pub renewed: Option<Timestamp>,
    /// When it runs out unless it is renewed.
    pub until: Option<Timestamp>,
}

impl Claim {
    /// The claim ran out before this time: its run was killed, or left what it made on purpose.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until < now)
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |time: Option<Timestamp>| time.map_or("?".to_owned(), |t| t.strftime("%FT%TZ").to_string());
        let Self { run, since, renewed, .. } = self;
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
    pub by_run: bool,
}

/// A helm release that is already there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    pub by_run: bool,
}

/// What helm says of a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartFacts {
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
    pub grants: Vec<Grant>,
    /// What its objects name and cannot do without.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Node ports of its Services, by Service.
    #[serde(default)]
    pub node_ports: BTreeMap<String, i32>,
    /// Names of the target's volumeClaimTemplates, when this chart renders the target as a StatefulSet.
    #[serde(default)]
    pub claim_templates: Vec<String>,
    /// Roles of others that the chart binds.
    #[serde(default)]
    pub bindings: Vec<Binding>,
}
