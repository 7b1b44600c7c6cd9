//! What a run pulls from registries: images and models. A cluster without a way out needs them beforehand.

use super::adoption::is_adopted;
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

/// Warns of a release that installs prometheus-adapter.
pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
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
    use super::*;

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
