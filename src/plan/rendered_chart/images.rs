//! The container images that a chart's pods run.

use std::collections::BTreeMap;

use serde_json::Value;

/// Depth at which no pod template lies any more. A manifest may be nested as deeply as its parser allows.
const MAX_DEPTH: usize = 32;

/// Every image of the documents' containers, with the digest that it names; empty where it names none.
pub(super) fn container_images(documents: &[Value]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    documents.iter().for_each(|document| collect(document, MAX_DEPTH, &mut found));
    found
}

fn collect(value: &Value, depth: usize, found: &mut BTreeMap<String, String>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                if key == "containers" || key == "initContainers" {
                    let images = child.as_array().into_iter().flatten().filter_map(|one| one["image"].as_str());
                    found.extend(images.map(|image| (image.to_owned(), digest_of(image))));
                } else {
                    collect(child, depth - 1, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|child| collect(child, depth - 1, found)),
        _ => {}
    }
}

fn digest_of(image: &str) -> String {
    image.split_once('@').map_or_else(String::new, |(_, digest)| digest.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_of_all_pod_templates_are_found() {
        let pod = |image: &str| json!({"spec": {"initContainers": [{"image": "a/init:1"}], "containers": [{"image": image}, {}]}});
        let documents = [
            json!({"kind": "Deployment", "spec": {"template": pod("docker.io/b:2")}}),
            json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": pod("c@sha256:12")}}}}),
            json!({"kind": "List", "items": [{"kind": "Pod", "spec": pod("d")["spec"]}]}),
            json!({"kind": "ConfigMap", "data": {"image": "no"}}),
        ];
        let images: Vec<_> = container_images(&documents).into_iter().collect();
        let pair = |image: &str, digest: &str| (image.to_owned(), digest.to_owned());
        assert_eq!(
            images,
            [pair("a/init:1", ""), pair("c@sha256:12", "sha256:12"), pair("d", ""), pair("docker.io/b:2", "")]
        );
    }
}
