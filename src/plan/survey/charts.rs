//! What the charts render. Only which kinds are served is asked of the cluster, which everybody may ask.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use serde_json::Value;

use super::{SurveyError, cluster_error};
use crate::env::{ReleaseArgs, RunEnv};
use crate::model::inventory::{ChartSummary, Inventory, RenderedObject};
use crate::model::scenario::Scenario;
use crate::plan::rendered_chart;

/// What each release renders.
pub(super) type ChartDocuments = BTreeMap<String, Vec<Value>>;

pub(super) async fn render_charts(
    world: &RunEnv,
    scenario: &Scenario,
    inventory: &mut Inventory,
) -> Result<ChartDocuments, SurveyError> {
    let mut documents = ChartDocuments::new();
    if scenario.releases.is_empty() {
        return Ok(documents);
    }
    inventory.helm_version = world.helm.version().await?;
    let mut served = DiscoveryCache::default();
    for (name, release) in &scenario.releases {
        let args = ReleaseArgs::from_scenario(name, release, scenario, Vec::new());
        let wrong = |why: String| SurveyError::Chart { release: name.clone(), why };
        let meta = world.helm.show_chart(&args).await.map_err(|e| wrong(e.to_string()))?;
        let manifests = world.helm.template(&args).await.map_err(|e| wrong(e.to_string()))?;
        let mut facts =
            rendered_chart::parse_rendered_chart(scenario, &args.release.namespace, &manifests).map_err(wrong)?;
        for object in &mut facts.objects {
            served.resolve(&world.kube, object).await?;
        }
        let facts = ChartSummary { name: meta.name, version: meta.version, app_version: meta.app_version, ..facts };
        inventory.charts.insert(name.clone(), facts);
        documents.insert(name.clone(), rendered_chart::parse_documents(&manifests).map_err(wrong)?);
    }
    Ok(documents)
}

/// What discovery says, by apiVersion.
#[derive(Default)]
struct DiscoveryCache(BTreeMap<String, Vec<APIResource>>);

impl DiscoveryCache {
    /// Fills in the resource of an object, and takes the namespace from one of the cluster.
    async fn resolve(&mut self, client: &kube::Client, object: &mut RenderedObject) -> Result<(), SurveyError> {
        let known = match self.0.get(&object.api_version) {
            Some(known) => known,
            None => {
                let version = &object.api_version;
                let list = match version.contains('/') {
                    true => client.list_api_group_resources(version).await,
                    false => client.list_core_api_resources(version).await,
                };
                let found = match list {
                    Ok(list) => list.resources,
                    Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
                    Err(e) => return Err(cluster_error("the kinds that it serves")(e)),
                };
                self.0.entry(version.clone()).or_insert(found)
            }
        };
        let kind = known.iter().find(|one| one.kind == object.kind && !one.name.contains('/'));
        object.plural = kind.map(|one| one.name.clone());
        if kind.is_some_and(|one| !one.namespaced) {
            object.namespace = None;
        }
        Ok(())
    }
}
