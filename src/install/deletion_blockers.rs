//! Why a deleted object still exists: its finalizers, and for a namespace the content that the API server reports.

use kube::core::DynamicObject;

use crate::env::{RunEnv, api_for_object};
use crate::model::journal::ObjectRef;

/// Conditions and finalizers of an object whose deletion did not end; empty without any.
pub(super) async fn read_blockers(env: &RunEnv, object: &ObjectRef) -> String {
    match api_for_object(&env.kube.retrying, object).get_opt(&object.name).await {
        Ok(Some(found)) => describe_blockers(&found),
        _ => String::new(),
    }
}

fn describe_blockers(found: &DynamicObject) -> String {
    let mut all: Vec<String> = found.data["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|condition| {
            let message = condition["message"].as_str().filter(|_| condition["status"] == "True")?;
            Some(format!("; {}: {message}", condition["type"].as_str().unwrap_or_default()))
        })
        .collect();
    let finalizers = found.metadata.finalizers.clone().unwrap_or_default();
    if !finalizers.is_empty() {
        all.push(format!("; finalizers: {}", finalizers.join(", ")));
    }
    all.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_says_what_blocks_its_deletion() {
        let namespace = serde_json::json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "llm", "finalizers": ["example.org/hold"]},
            "status": {"conditions": [
                {"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances"},
                {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content successfully deleted"}]}});
        assert_eq!(
            describe_blockers(&serde_json::from_value(namespace).unwrap()),
            "; NamespaceContentRemaining: pods. has 1 resource instances; finalizers: example.org/hold"
        );
    }
}
