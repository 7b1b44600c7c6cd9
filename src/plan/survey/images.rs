//! Digests of container images, as the nodes that have them report them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Node;

use crate::model::inventory::Inventory;

/// The digests of the images on nodes, by their full names with a tag.
#[derive(Debug, Default)]
pub(super) struct NodeImages(BTreeMap<String, String>);

impl NodeImages {
    /// Adds the images of a node. The kubelet reports the largest 50 at most.
    pub(super) fn add(&mut self, node: &Node) {
        let images = node.status.iter().filter_map(|status| status.images.as_ref()).flatten();
        for names in images.filter_map(|image| image.names.as_ref()) {
            let Some((_, digest)) = names.iter().find_map(|name| name.split_once('@')) else { continue };
            let tagged = names.iter().filter(|name| !name.contains('@'));
            self.0.extend(tagged.map(|name| (full_name(name), digest.to_owned())));
        }
    }

    /// Sets the digests that the charts' images do not name themselves.
    pub(super) fn fill_in(&self, inventory: &mut Inventory) {
        let images = inventory.charts.values_mut().flat_map(|chart| &mut chart.images);
        for (image, digest) in images.filter(|(_, digest)| digest.is_empty()) {
            if let Some(known) = self.0.get(&full_name(image)) {
                known.clone_into(digest);
            }
        }
    }
}

/// The name of an image with the registry, the folder and the tag that a container runtime adds to a short one.
fn full_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    let tag = if last.contains(':') { "" } else { ":latest" };
    match image.split_once('/') {
        None => format!("docker.io/library/{image}{tag}"),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => format!("{image}{tag}"),
        Some(_) => format!("docker.io/{image}{tag}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::inventory::ChartSummary;

    #[test]
    fn a_short_name_has_the_digest_of_the_image_that_a_node_has_under_its_full_name() {
        let node = serde_json::from_value(json!({"status": {"images": [
            {"names": ["docker.io/ollama/ollama@sha256:aa", "docker.io/ollama/ollama:0.11.2"]},
            {"names": ["docker.io/library/busybox@sha256:bb", "docker.io/library/busybox:latest"]},
            {"names": ["registry.k8s.io/x:1"]}, {}]}}));
        let mut images = NodeImages::default();
        images.add(&node.unwrap());
        let names = ["ollama/ollama:0.11.2", "ollama/ollama:0.12.0", "busybox", "registry.k8s.io/x:1"];
        let chart = ChartSummary {
            images: names.map(|name| (name.to_owned(), String::new())).into(),
            ..ChartSummary::default()
        };
        let mut inventory = Inventory { charts: [("a".to_owned(), chart)].into(), ..Inventory::default() };
        images.fill_in(&mut inventory);
        let digests = names.map(|name| inventory.charts["a"].images[name].clone());
        assert_eq!(digests, ["sha256:aa", "", "sha256:bb", ""]);
    }
}
