//! Renders the charts. It uses only discovery of the cluster, which every user may read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use serde_json::Value;

use super::{SurveyError, chart_values, cluster_error};
use crate::env::{HelmClient, ReleaseArgs, RunEnv};
use crate::model::inventory::{ChartSummary, Inventory, RenderedObject};
use crate::model::scenario::{ReleaseSpec, Scenario};
use crate::plan::chart_models;
use crate::plan::rendered_chart;

/// The rendered manifests of each release.
pub(super) type ChartDocuments = BTreeMap<String, Vec<Value>>;

/// A chart that could not be summarized.
pub(super) enum ChartFailure {
    /// helm cannot read it: it may be wrong, or out of reach.
    Unread(String),
    /// helm reads it, and it does not render with the release's values.
    NotRendered(String),
}

impl ChartFailure {
    pub(super) fn into_message(self) -> String {
        match self {
            Self::Unread(message) | Self::NotRendered(message) => message,
        }
    }
}

/// Renders a chart with the release's values, without a cluster.
pub(super) async fn render_chart(
    helm: &dyn HelmClient,
    scenario: &Scenario,
    name: &str,
    release: &ReleaseSpec,
) -> Result<(ChartSummary, Vec<Value>), ChartFailure> {
    let args = ReleaseArgs::from_scenario(name, release, scenario, Vec::new());
    let meta = helm.show_chart(&args).await.map_err(|e| ChartFailure::Unread(e.to_string()))?;
    // A chart whose values cannot be read is rendered all the same.
    let defaults = helm.show_values(&args).await.unwrap_or_default();
    let manifests = helm.template(&args).await.map_err(|e| {
        ChartFailure::NotRendered(format!("{e}{}", chart_values::describe_type_conflicts(&args.values, &defaults)))
    })?;
    let mut chart = rendered_chart::parse_rendered_chart(scenario, &args.release.namespace, &manifests)
        .map_err(ChartFailure::NotRendered)?;
    if defaults.is_object() {
        chart.unused_values = chart_values::find_unused(helm, &args, &defaults, &meta.dependencies, &manifests).await;
    }
    chart.models = chart_models::pulled(&args.values);
    let documents = rendered_chart::parse_documents(&manifests).map_err(ChartFailure::NotRendered)?;
    Ok((ChartSummary { name: meta.name, version: meta.version, app_version: meta.app_version, ..chart }, documents))
}

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
        let rendered = render_chart(env.helm.as_ref(), scenario, name, release).await;
        let (mut chart, rendered) =
            rendered.map_err(|e| SurveyError::Chart { release: name.clone(), message: e.into_message() })?;
        for object in &mut chart.objects {
            discovery.resolve(&env.kube.retrying, object).await?;
        }
        inventory.charts.insert(name.clone(), chart);
        documents.insert(name.clone(), rendered);
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
