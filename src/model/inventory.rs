//! The inventory: the state of the cluster before the first change of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use super::hpa_source::{AdoptedHpa, ScaledObjectSizes};
use super::node_info::NodeInfo;
use super::observation::NodeSnapshot;
pub(crate) use super::permission::{PermissionCheck, PermissionStage};
pub(crate) use super::preflight::{ExistingTarget, PreflightFindings, QuotaHeadroom, RejectedObject, RequiredObject};
pub(crate) use super::rendered::{BoundRole, RenderedObject, RoleGrant};
pub(crate) use super::resource_claims::{DeviceClassSummary, TargetClaim};
use super::revision;

/// inventory.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inventory {
    /// Wall time at which the run's clock started; every `atMs` counts from it.
    pub started: Timestamp,
    /// Kubeconfig context; empty without a kubeconfig.
    pub kube_context: String,
    /// Address of the API server.
    pub server: String,
    /// Uid of the namespace kube-system, which identifies the cluster; absent without the permission to read it, and in a
    /// bundle of rules older than 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_uid: Option<String>,
    /// Kubernetes version, for example v1.37.2.
    pub kubernetes_version: String,
    /// Version of gpuhpa.
    pub gpuhpa_version: String,
    /// The commit that it was built from.
    pub gpuhpa_commit: String,
    /// Parameters of the simulated cluster; absent for a real one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulationInfo>,
    /// Version of helm, for example v4.3.1.
    pub helm_version: String,
    /// The API server serves autoscaling/v2. If not, the requirement is not applicable.
    pub hpa_served: bool,
    /// APIServices of the metrics groups, by name.
    pub metrics_apis: BTreeMap<String, MetricsApi>,
    /// Nodes; empty without the permission to list them.
    pub nodes: Vec<NodeSnapshot>,
    /// Addresses of the nodes, in the order of `nodes`.
    pub node_addresses: Vec<String>,
    /// Versions and labels of the nodes, in the order of `nodes`; absent in older bundles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_info: Vec<NodeInfo>,
    /// Accelerators that existing pods request, by resource; absent without the permission to list pods.
    pub accelerators_used: Option<BTreeMap<String, i64>>,
    /// The DeviceClasses (DRA) that the target's claims request, and their devices; empty for a target without claims.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub device_classes: BTreeMap<String, DeviceClassSummary>,
    /// Namespaces of the scenario that already exist.
    pub existing_namespaces: Vec<String>,
    /// Existing namespaces that are being deleted.
    #[serde(default)]
    pub terminating_namespaces: Vec<String>,
    /// The Lease by which another run holds the scenario's target.
    #[serde(default)]
    pub target_lease: Option<TargetLease>,
    /// Existing HPAs whose scaleTargetRef is the scenario's target.
    #[serde(default)]
    pub existing_hpas: Vec<String>,
    /// The HPA that the scenario adopts; absent where it adopts none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_hpa: Option<AdoptedHpa>,
    /// Releases of the scenario that already exist, by release name.
    pub existing_releases: BTreeMap<String, ExistingRelease>,
    /// Results of the access reviews.
    pub permissions: Vec<PermissionCheck>,
    /// Findings of the preflight.
    #[serde(default)]
    pub preflight: PreflightFindings,
    /// Charts of the scenario as helm renders them, by release name.
    pub charts: BTreeMap<String, ChartSummary>,
    /// What a plan without a cluster could not look at. Such an inventory is never recorded.
    #[serde(skip)]
    pub offline: Option<OfflineScope>,
}

/// What is missing from an inventory that was made without a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfflineScope {
    /// The releases whose charts could not be read, with the reason.
    pub(crate) unread_charts: BTreeMap<String, String>,
}

/// Parameters of a simulated cluster: enough to repeat the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulationInfo {
    /// Seed of every random choice.
    pub seed: u64,
    /// Parameters that differ from the default, as `NAME=VALUE`.
    pub params: Vec<String>,
    /// Name of the injected fault.
    pub fault: Option<String>,
}

impl Inventory {
    /// What is known before the cluster is read: the time, and the build of gpuhpa.
    #[must_use]
    pub(crate) fn before_survey(started: Timestamp) -> Self {
        Self {
            started,
            gpuhpa_version: revision::VERSION.to_owned(),
            gpuhpa_commit: revision::COMMIT.to_owned(),
            ..Self::default()
        }
    }

    /// The build that wrote the bundle, as every output names it.
    #[must_use]
    pub(crate) fn gpuhpa_build(&self) -> String {
        match self.gpuhpa_version.as_str() {
            "" => "a gpuhpa that recorded no version".to_owned(),
            version => format!("gpuhpa {version} (commit {})", self.gpuhpa_commit),
        }
    }

    /// gpuhpa and helm, as far as they are recorded.
    #[must_use]
    pub(crate) fn tool_versions(&self) -> String {
        let helm = if self.helm_version.is_empty() { String::new() } else { format!(", helm {}", self.helm_version) };
        format!("{}{helm}", self.gpuhpa_build())
    }

    /// Kubernetes with its version.
    #[must_use]
    pub(crate) fn kubernetes(&self) -> String {
        match self.kubernetes_version.as_str() {
            "" => "Kubernetes of an unknown version".to_owned(),
            version => format!("Kubernetes {version}"),
        }
    }

    /// Kubernetes with its version, address and context, as far as they are recorded; `None` where none is.
    #[must_use]
    pub(crate) fn platform(&self) -> Option<String> {
        let Self { kubernetes_version: version, server, kube_context: context, .. } = self;
        let parts = [
            (version, format!(" {version}")),
            (server, format!(" at {server}")),
            (context, format!(" (context {context})")),
        ];
        let known: String = parts.into_iter().filter(|(value, _)| !value.is_empty()).map(|(_, text)| text).collect();
        (!known.is_empty()).then(|| format!("Kubernetes{known}"))
    }

    /// Each node with extended resources, or with devices for the target's claims: what it is, as far as the cluster states it.
    #[must_use]
    pub(crate) fn describe_accelerator_nodes(&self) -> Vec<String> {
        let describe = |(node, info): (&NodeSnapshot, &NodeInfo)| {
            let of_claims = self.device_classes.iter();
            let mut parts: Vec<_> = of_claims.filter_map(|(name, class)| class.describe_on(&node.name, name)).collect();
            let offers_any = !parts.is_empty() || node.allocatable.values().any(|count| *count > 0);
            parts.extend(info.describe(&node.allocatable));
            (offers_any && !parts.is_empty()).then(|| format!("{}: {}", node.name, parts.join(", ")))
        };
        self.nodes.iter().zip(&self.node_info).filter_map(describe).collect()
    }

    /// The command that runs the scenario of a bundle again.
    #[must_use]
    pub(crate) fn reproduce_command(&self) -> String {
        let Some(SimulationInfo { seed, params, fault }) = &self.simulated else {
            return "gpuhpa verify -f scenario.yaml".to_owned();
        };
        let sets = params.iter().map(|param| format!(" --set {param}"));
        let flags: String = sets.chain(fault.iter().map(|fault| format!(" --fault {fault}"))).collect();
        format!("gpuhpa rehearse -f scenario.yaml --seed {seed}{flags}")
    }
}

/// The Lease by which a run holds a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetLease {
    /// Id of the run.
    pub(crate) run: String,
    /// acquireTime of the Lease.
    pub(crate) acquired: Option<Timestamp>,
    /// renewTime of the Lease.
    #[serde(default)]
    pub(crate) renewed: Option<Timestamp>,
    /// Time at which the Lease expires unless the run renews it.
    pub(crate) expires: Option<Timestamp>,
}

impl TargetLease {
    /// True when the Lease expired before `now`: its run was killed, or kept its objects on purpose.
    #[must_use]
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires < now)
    }
}

impl std::fmt::Display for TargetLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |time: Option<Timestamp>| time.map_or("?".to_owned(), |t| t.strftime("%FT%TZ").to_string());
        let Self { run, acquired, renewed, .. } = self;
        write!(f, "run {run} holds the Lease on the target since {} (renewed {})", time(*acquired), time(*renewed))
    }
}

/// An APIService of a metrics group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsApi {
    /// `namespace/name` of its Service.
    pub(crate) service: String,
    /// The condition Available is True.
    pub(crate) available: bool,
    /// `namespace/name` of the helm release that owns it, from its annotations.
    pub(crate) release: Option<String>,
    /// A run of gpuhpa created that release and will remove it.
    #[serde(default)]
    pub(crate) made_by_run: bool,
}

/// A helm release that exists before the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExistingRelease {
    /// Namespace.
    pub(crate) namespace: String,
    /// Revision.
    pub(crate) revision: i64,
    /// Status in helm, for example deployed.
    pub(crate) status: String,
    /// Chart name and version.
    pub(crate) chart: String,
    /// A run of gpuhpa created it and will remove it.
    #[serde(default)]
    pub(crate) made_by_run: bool,
}

/// A chart as helm renders it with the scenario's values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChartSummary {
    /// Chart name.
    pub(crate) name: String,
    /// Chart version.
    pub(crate) version: String,
    /// appVersion.
    pub(crate) app_version: String,
    /// sha256 of the output of `helm template`.
    pub(crate) rendered_digest: String,
    /// spec.replicas of the target, when this chart renders the target and sets the field.
    pub(crate) target_replicas: Option<i32>,
    /// Extended resources that one pod of the target requests, when this chart renders the target.
    pub(crate) target_resources: Option<BTreeMap<String, i64>>,
    /// Resource claims (DRA) of one pod of the target, when this chart renders the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) target_claims: Vec<TargetClaim>,
    /// Rendered claims and their templates that the API server refuses, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) claim_faults: Vec<String>,
    /// HPAs, or objects that make one, which the chart renders for the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) target_autoscalers: Vec<String>,
    /// Values of the release that change nothing in what the chart renders, by their paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unused_values: Vec<String>,
    /// Container images that the chart's pods run, with their digests: the one that the image names, else the one of the
    /// image of that name on a node, else empty. Absent from bundles of rules older than 5.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) images: BTreeMap<String, String>,
    /// Models that the release's values name, which its pods pull.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) models: Vec<String>,
    /// Names of the APIServices that the chart renders. Each exists once per cluster.
    pub(crate) api_services: Vec<String>,
    /// All objects that the chart renders.
    #[serde(default)]
    pub(crate) objects: Vec<RenderedObject>,
    /// Permissions that the chart's roles grant. The creator of a role must have them (RBAC escalation prevention).
    #[serde(default)]
    pub(crate) grants: Vec<RoleGrant>,
    /// Objects that the rendered objects reference and cannot work without.
    #[serde(default)]
    pub(crate) required_objects: Vec<RequiredObject>,
    /// Node ports of the chart's Services, by Service name.
    #[serde(default)]
    pub(crate) node_ports: BTreeMap<String, i32>,
    /// Names of the target's volumeClaimTemplates, when this chart renders the target as a StatefulSet.
    #[serde(default)]
    pub(crate) volume_claim_templates: Vec<String>,
    /// Roles that the chart binds but does not render.
    #[serde(default)]
    pub(crate) bound_roles: Vec<BoundRole>,
}
