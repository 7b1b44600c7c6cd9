//! Cluster → inventory. Reads only.

use std::collections::BTreeMap;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kube::api::{Api, ListParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use super::{changes, claim, rendered, rights};
use crate::record::inventory::{ChartFacts, ExistingRelease, Inventory, MetricsApi, Right};
use crate::record::journal::{RUN_LABEL, ReleaseRef};
use crate::record::observation::NodeSeen;
use crate::record::scenario::Scenario;
use crate::world::{HelmError, World};

/// The cluster or helm could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The API server does not answer, or refuses us.
    #[error("the API server could not be asked for {what}: {why}")]
    Cluster {
        /// What was asked.
        what: &'static str,
        /// Its words.
        why: String,
    },
    /// helm does not run, or cannot read a chart.
    #[error("release {release}: {why}")]
    Chart {
        /// The release.
        release: String,
        /// Why.
        why: String,
    },
    /// helm does not run at all.
    #[error(transparent)]
    Helm(#[from] HelmError),
}

fn cluster(what: &'static str) -> impl Fn(kube::Error) -> SurveyError {
    move |e| SurveyError::Cluster { what, why: e.to_string() }
}

/// Asks the cluster and helm for everything that a plan rests on.
///
/// # Errors
/// The API server or helm cannot be asked at all. A part that may not be read is left empty instead.
pub async fn survey(world: &World, scenario: &Scenario) -> Result<Inventory, SurveyError> {
    let version = world.kube.apiserver_version().await.map_err(cluster("its version"))?;
    let mut inventory = Inventory {
        started: world.clock.started(),
        kubernetes: version.git_version,
        gpuhpa: env!("CARGO_PKG_VERSION").to_owned(),
        hpa_served: hpa_served(&world.kube).await?,
        namespaces: existing_namespaces(&world.kube, scenario).await?,
        ..Inventory::default()
    };
    let missing: Vec<String> =
        changes::namespaces(scenario).into_iter().filter(|name| !inventory.namespaces.contains(name)).collect();
    inventory.rights = ask_rights(&world.kube, scenario, &missing).await?;
    if inventory.rights.iter().any(|right| right.required && !right.allowed) {
        // The plan refuses and names them all; asking on would only run into the first one.
        return Ok(inventory);
    }
    inventory.claim = claim::read(&world.kube, scenario).await.map_err(cluster("the target's Lease"))?;
    inventory.metrics_apis = metrics_apis(&world.kube).await?;
    read_nodes(&world.kube, &mut inventory).await;
    if !scenario.releases.is_empty() {
        inventory.helm = world.helm.version().await?;
        read_releases(world, scenario, &mut inventory).await?;
        for api in inventory.metrics_apis.values_mut() {
            let Some((namespace, name)) = api.release.as_ref().and_then(|release| release.split_once('/')) else {
                continue;
            };
            let release = ReleaseRef { name: name.to_owned(), namespace: namespace.to_owned() };
            api.by_run = is_by_run(world, &release).await?;
        }
    }
    Ok(inventory)
}

/// Whether autoscaling/v2 is served. A group that is not there at all is an answer, not an error.
async fn hpa_served(client: &kube::Client) -> Result<bool, SurveyError> {
    match client.list_api_group_resources("autoscaling/v2").await {
        Ok(list) => Ok(list.resources.iter().any(|resource| resource.name == "horizontalpodautoscalers")),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(e) => Err(cluster("autoscaling/v2")(e)),
    }
}

/// The scenario's namespaces that are there. One that may not be looked at counts as missing; the right to make it is
/// asked about then.
async fn existing_namespaces(client: &kube::Client, scenario: &Scenario) -> Result<Vec<String>, SurveyError> {
    let api: Api<Namespace> = Api::all(client.clone());
    let mut found = Vec::new();
    for name in changes::namespaces(scenario) {
        match api.get_opt(&name).await {
            Ok(Some(_)) => found.push(name),
            Ok(None) => {}
            Err(kube::Error::Api(status)) if status.code == 403 => {}
            Err(e) => return Err(cluster("its namespaces")(e)),
        }
    }
    Ok(found)
}

async fn metrics_apis(client: &kube::Client) -> Result<BTreeMap<String, MetricsApi>, SurveyError> {
    let kind = GroupVersionKind::gvk("apiregistration.k8s.io", "v1", "APIService");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let mut found = BTreeMap::new();
    for name in ["v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io", "v1beta1.external.metrics.k8s.io"] {
        let Some(object) = api.get_opt(name).await.map_err(cluster("its APIServices"))? else { continue };
        let (spec, status) = (&object.data["spec"]["service"], &object.data["status"]["conditions"]);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let available = |c: &serde_json::Value| c["type"] == "Available" && c["status"] == "True";
        let annotations = object.metadata.annotations.unwrap_or_default();
        let by_helm = |key: &str| annotations.get(&format!("meta.helm.sh/{key}"));
        let release =
            by_helm("release-namespace").zip(by_helm("release-name")).map(|(ns, name)| format!("{ns}/{name}"));
        let service = format!("{}/{}", text(&spec["namespace"]), text(&spec["name"]));
        let available = status.as_array().is_some_and(|all| all.iter().any(available));
        found.insert(name.to_owned(), MetricsApi { service, available, release, by_run: false });
    }
    Ok(found)
}

async fn ask_rights(client: &kube::Client, scenario: &Scenario, missing: &[String]) -> Result<Vec<Right>, SurveyError> {
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let mut asked = rights::needed(scenario, missing);
    for right in &mut asked {
        let (group, resource) = right
            .resource
            .rsplit_once('/')
            .filter(|(g, _)| g.contains('.') || *g == "apps" || *g == "autoscaling")
            .unwrap_or(("", &right.resource));
        let (resource, subresource) =
            resource.split_once('/').map_or((resource, None), |(r, s)| (r, Some(s.to_owned())));
        let attributes = ResourceAttributes {
            verb: Some(right.verb.clone()),
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource,
            namespace: (!right.namespace.is_empty()).then(|| right.namespace.clone()),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let answer = api.create(&PostParams::default(), &review).await.map_err(cluster("our rights"))?;
        right.allowed = answer.status.is_some_and(|status| status.allowed);
    }
    Ok(asked)
}

/// Nodes and the accelerators in use. Either may be forbidden; then it stays empty, and the plan says so.
async fn read_nodes(client: &kube::Client, inventory: &mut Inventory) {
    if let Ok(nodes) = Api::<Node>::all(client.clone()).list(&ListParams::default()).await {
        for node in nodes {
            let status = node.status.unwrap_or_default();
            let address =
                |kind: &str| status.addresses.iter().flatten().find(|a| a.type_ == kind).map(|a| a.address.clone());
            inventory.node_addresses.push(address("InternalIP").or_else(|| address("Hostname")).unwrap_or_default());
            let count = |(name, quantity): (&String, &k8s_openapi::apimachinery::pkg::api::resource::Quantity)| {
                Some((name.clone(), quantity.0.parse::<i64>().ok().filter(|_| name.contains('/'))?))
            };
            inventory.nodes.push(NodeSeen {
                name: node.metadata.name.unwrap_or_default(),
                ready: status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True"),
                allocatable: status.allocatable.iter().flatten().filter_map(count).collect(),
            });
        }
    }
    if let Ok(pods) = Api::<Pod>::all(client.clone()).list(&ListParams::default()).await {
        let mut used: BTreeMap<String, i64> = BTreeMap::new();
        let bound =
            |pod: &Pod| !matches!(pod.status.as_ref().and_then(|s| s.phase.as_deref()), Some("Succeeded" | "Failed"));
        for spec in pods.into_iter().filter(bound).filter_map(|pod| pod.spec).filter(|spec| spec.node_name.is_some()) {
            let requests = spec.containers.iter().filter_map(|c| c.resources.as_ref()?.requests.as_ref());
            for (name, quantity) in requests.flatten().filter(|(name, _)| name.contains('/')) {
                *used.entry(name.clone()).or_insert(0) += quantity.0.parse::<i64>().unwrap_or(0);
            }
        }
        inventory.accelerators_used = Some(used);
    }
}

/// Whether a run of gpuhpa made the release: helm keeps our label on its record.
async fn is_by_run(world: &World, release: &ReleaseRef) -> Result<bool, SurveyError> {
    Ok(world.helm.status(release, Some(RUN_LABEL)).await?.is_some())
}

async fn read_releases(world: &World, scenario: &Scenario, inventory: &mut Inventory) -> Result<(), SurveyError> {
    for (name, release) in &scenario.releases {
        let args = crate::world::ReleaseArgs::of(name, release, scenario, Vec::new());
        if let Some(existing) = world.helm.status(&args.release, None).await? {
            let by_run = is_by_run(world, &args.release).await?;
            inventory.releases.insert(name.clone(), ExistingRelease { by_run, ..existing });
        }
        let wrong = |why: String| SurveyError::Chart { release: name.clone(), why };
        let meta = world.helm.show_chart(&args).await.map_err(|e| wrong(e.to_string()))?;
        let manifests = world.helm.template(&args).await.map_err(|e| wrong(e.to_string()))?;
        let facts = rendered::read_rendered(scenario, &args.release.namespace, &manifests).map_err(wrong)?;
        let facts = ChartFacts { name: meta.name, version: meta.version, app_version: meta.app_version, ..facts };
        inventory.charts.insert(name.clone(), facts);
    }
    Ok(())
}
