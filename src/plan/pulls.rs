//! What a run pulls from registries: images and models. A cluster without a way out needs them beforehand.

use super::adoption::is_adopted;
use super::chart_models;
use crate::model::inventory::{ChartSummary, Inventory};
use crate::model::scenario::Scenario;

/// The adapter whose maintainers have accepted its deprecation (kubernetes-sigs/prometheus-adapter, issue 701 and pull request
/// 703), by its image: a chart may have any name.
const DEPRECATED_ADAPTER: &str = "prometheus-adapter";

/// The charts that the run installs or upgrades.
fn installed_charts<'a>(
    scenario: &'a Scenario,
    inventory: &'a Inventory,
) -> impl Iterator<Item = (&'a String, &'a ChartSummary)> {
    inventory.charts.iter().filter(|(name, _)| !is_adopted(scenario, inventory, name))
}

/// The images and models of the releases that the run installs, in words, images first.
pub(super) fn list(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let charts = || installed_charts(scenario, inventory);
    let images = charts().flat_map(|(release, chart)| chart.images.iter().map(move |image| (release, image)));
    let images = images.map(|(release, (image, digest))| match digest.as_str() {
        "" => format!("image {image} of release {release}; its digest is not known before it is pulled"),
        digest if image.ends_with(digest) => format!("image {image} of release {release}"),
        digest => format!("image {image} of release {release}; a node has it as {digest}"),
    });
    let models = charts().flat_map(|(release, chart)| {
        chart.models.iter().map(move |model| format!("model {model} of release {release}, which its pods pull"))
    });
    images.chain(models).collect()
}

/// Warns of a model that no release brings, and of a release that installs prometheus-adapter.
pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let adapters = adapter_warnings(scenario, inventory);
    unlisted_model_warning(scenario, inventory).into_iter().chain(adapters).collect()
}

/// Warns of a `load.model` that the releases do not bring although they list models (chart ollama: `ollama.models`). The values
/// say so without helm.
fn unlisted_model_warning(scenario: &Scenario, inventory: &Inventory) -> Option<String> {
    let model = scenario.load.model.as_str();
    let mut listed: Vec<(&str, &str)> = Vec::new();
    for (release, spec) in scenario.releases.iter().filter(|(name, _)| !is_adopted(scenario, inventory, name)) {
        let names = ["pull", "create", "run"].into_iter().flat_map(|key| chart_models::list(&spec.values, key));
        listed.extend(names.map(|name| (release.as_str(), name)));
    }
    let without_latest = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
    let is_listed = listed.iter().any(|(_, name)| without_latest(name) == without_latest(model));
    let (release, _) = listed.first().filter(|_| !is_listed)?;
    let mut names: Vec<&str> = listed.iter().map(|(_, name)| *name).collect();
    names.dedup();
    Some(format!(
        "load.model {model} is not among the models that release {release} brings ({}): unless its image or volume has it, every chat fails, and Control/MetricFollowsLoad will be INCONCLUSIVE; add it to ollama.models.pull, or name one of them",
        names.join(", ")
    ))
}

fn adapter_warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let is_adapter = |image: &String| {
        let name = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        name.split(':').next() == Some(DEPRECATED_ADAPTER)
    };
    let releases = installed_charts(scenario, inventory).filter(|(_, chart)| chart.images.keys().any(is_adapter));
    releases
        .map(|(release, _)| {
            format!(
                "release {release} installs prometheus-adapter, which is being deprecated (kubernetes-sigs/prometheus-adapter, issue 701): it proves the HPA today, but a platform should plan for another metrics adapter"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_model_that_no_release_brings_is_named_without_a_chart() {
        let warn = |model: &str, edit: fn(&mut Value)| {
            let mut scenario: Scenario =
                serde_saphyr::from_str(include_str!("../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
            model.clone_into(&mut scenario.load.model);
            edit(scenario.releases.get_mut("ollama").unwrap().values.get_mut("ollama").unwrap());
            warnings(&scenario, &Inventory::default()).join("; ")
        };
        assert_eq!(warn("llama3.2:1b", |_| ()), "");
        let found = warn("llama3.3:70b", |_| ());
        assert!(
            found.starts_with(
                "load.model llama3.3:70b is not among the models that release ollama brings (llama3.2:1b)"
            ),
            "{found}"
        );
        let created = |values: &mut Value| values["models"] = serde_json::json!({"create": [{"name": "mine:latest"}]});
        assert_eq!(warn("mine", created), "");
        assert_eq!(
            warn("mine", |values| values["models"] = serde_json::json!({"pull": []})),
            "",
            "its volume may have it"
        );
    }

    #[test]
    fn images_and_models_are_listed_with_what_is_known_of_their_digests() {
        let images = [("a/b:1", ""), ("c@sha256:12", "sha256:12"), ("r.io/x/prometheus-adapter:v0.12.0", "sha256:34")];
        let chart = ChartSummary {
            images: images.map(|(image, digest)| (image.to_owned(), digest.to_owned())).into(),
            models: vec!["llama3.2:1b".to_owned()],
            ..ChartSummary::default()
        };
        let inventory = Inventory { charts: [("r".to_owned(), chart)].into(), ..Inventory::default() };
        let all = list(&Scenario::default(), &inventory);
        let expected = [
            "image a/b:1 of release r; its digest is not known before it is pulled",
            "image c@sha256:12 of release r",
            "image r.io/x/prometheus-adapter:v0.12.0 of release r; a node has it as sha256:34",
            "model llama3.2:1b of release r, which its pods pull",
        ];
        assert_eq!(all, expected);
        assert!(warnings(&Scenario::default(), &inventory)[0].starts_with("release r installs prometheus-adapter"));
        assert_eq!(warnings(&Scenario::default(), &Inventory::default()), Vec::<String>::new());
    }
}
