//! Renders the charts. It uses only discovery of the cluster, which every user may read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use serde_json::Value;

use super::{SurveyError, chart_values, cluster_error};
use crate::env::{ReleaseArgs, RunEnv};
use crate::model::inventory::{ChartSummary, Inventory, RenderedObject};
use crate::model::scenario::Scenario;
use crate::plan::rendered_chart;

/// The rendered manifests of each release.
pub(super) type ChartDocuments = BTreeMap<String, Vec<Value>>;

pub(super) async fn render_charts(
    env: &RunEnv,
    scenario: &Scenario,
    inventory: &mut Inventory,
) -> Result<ChartDocuments, SurveyError> {
    let mut documents = ChartDocuments::new();
    if scenario.releases.is_empty() {
        return Ok(documents);
    }
    inventory.helm_version = env.helm.version().await?;
    let mut discovery = DiscoveryCache::default();
    for (name, release) in &scenario.releases {
        let args = ReleaseArgs::from_scenario(name, release, scenario, Vec::new());
        let chart_error = |message: String| SurveyError::Chart { release: name.clone(), message };
        let meta = env.helm.show_chart(&args).await.map_err(|e| chart_error(e.to_string()))?;
        // A chart whose values cannot be read is rendered all the same.
        let defaults = env.helm.show_values(&args).await.unwrap_or_default();
        let manifests = env.helm.template(&args).await.map_err(|e| {
            chart_error(format!("{e}{}", chart_values::describe_type_conflicts(&args.values, &defaults)))
        })?;
        let mut chart =
            rendered_chart::parse_rendered_chart(scenario, &args.release.namespace, &manifests).map_err(chart_error)?;
        if defaults.is_object() {
            chart.unused_values =
                chart_values::find_unused(env, &args, &defaults, &meta.dependencies, &manifests).await;
        }
        for object in &mut chart.objects {
            discovery.resolve(&env.kube.retrying, object).await?;
        }
        let chart = ChartSummary { name: meta.name, version: meta.version, app_version: meta.app_version, ..chart };
        inventory.charts.insert(name.clone(), chart);
        documents.insert(name.clone(), rendered_chart::parse_documents(&manifests).map_err(chart_error)?);
    }
    Ok(documents)
}

/// The served resources, by apiVersion.
#[derive(Default)]
struct DiscoveryCache(BTreeMap<String, Vec<APIResource>>);

impl DiscoveryCache {
    /// Sets the plural of an object's kind, and removes the namespace of a cluster-scoped object.
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
                    Err(e) => return Err(cluster_error("the served kinds")(e)),
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
