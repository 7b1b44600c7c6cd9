//! Reduces the scale target, a Deployment or a StatefulSet, to what the checks read.

use k8s_openapi::Resource;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::digest::digest;
use crate::model::observation::{ReplicasManager, WorkloadSnapshot};

/// Kubernetes' default of terminationGracePeriodSeconds.
const DEFAULT_GRACE_S: i64 = 30;

/// Reduces a Deployment.
#[must_use]
pub(crate) fn snapshot_deployment(object: &Deployment) -> WorkloadSnapshot {
    let spec = object.spec.clone();
    let status = object.status.clone().unwrap_or_default();
    WorkloadSnapshot {
        observed_generation: status.observed_generation,
        replicas: status.replicas.unwrap_or(0),
        ready_replicas: status.ready_replicas.unwrap_or(0),
        ..base_snapshot(Deployment::KIND, &object.metadata, spec.replicas, &spec.selector, &spec.template)
    }
}

/// Reduces a StatefulSet.
#[must_use]
pub(crate) fn snapshot_stateful_set(object: &StatefulSet) -> WorkloadSnapshot {
    let spec = object.spec.clone();
    let status = object.status.clone().unwrap_or_default();
    WorkloadSnapshot {
        observed_generation: status.observed_generation,
        replicas: status.replicas,
        ready_replicas: status.ready_replicas.unwrap_or(0),
        ..base_snapshot(StatefulSet::KIND, &object.metadata, spec.replicas, &spec.selector, &spec.template)
    }
}

fn base_snapshot(
    kind: &str,
    meta: &ObjectMeta,
    replicas: Option<i32>,
    selector: &LabelSelector,
    template: &PodTemplateSpec,
) -> WorkloadSnapshot {
    WorkloadSnapshot {
        kind: kind.to_owned(),
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation,
        spec_replicas: replicas.unwrap_or(1),
        selector: selector.match_labels.clone().unwrap_or_default(),
        template_digest: digest(template),
        termination_grace_period_seconds: template
            .spec
            .as_ref()
            .and_then(|pod| pod.termination_grace_period_seconds)
            .unwrap_or(DEFAULT_GRACE_S),
        replicas_managers: replicas_managers(meta),
        ..WorkloadSnapshot::default()
    }
}

/// The field managers of spec.replicas.
#[must_use]
pub(crate) fn replicas_managers(meta: &ObjectMeta) -> Vec<ReplicasManager> {
    let owners = meta.managed_fields.iter().flatten().filter(|entry| {
        entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
    });
    owners
        .map(|entry| ReplicasManager {
            manager: entry.manager.clone().unwrap_or_default(),
            operation: entry.operation.clone().unwrap_or_default(),
            subresource: entry.subresource.clone().unwrap_or_default(),
            time: entry.time.as_ref().map(|time| time.0),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A Deployment that helm created and the HPA controller has scaled.
    fn scaled() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "ollama", "uid": "u2", "generation": 3, "managedFields": [
                {"manager": "helm", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-08-22T10:00:00Z",
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:selector": {}, "f:template": {}}}},
                {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1",
                    "subresource": "scale",
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1",
                    "time": "2026-08-22T10:05:07Z", "subresource": "status",
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:replicas": {}}}}]},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "ollama"}}, "template": {
                "metadata": {"labels": {"app": "ollama"}},
                "spec": {"terminationGracePeriodSeconds": 5, "containers": [{"name": "ollama"}]}}},
            "status": {"observedGeneration": 3, "replicas": 3, "readyReplicas": 2}
        })
    }

    #[test]
    fn the_managers_of_the_size_are_those_that_own_spec_replicas() {
        let object: Deployment = serde_json::from_value(scaled()).unwrap();
        let snapshot = snapshot_deployment(&object);
        assert_eq!(
            snapshot,
            WorkloadSnapshot {
                kind: "Deployment".into(),
                name: "ollama".into(),
                uid: "u2".into(),
                generation: Some(3),
                observed_generation: Some(3),
                spec_replicas: 3,
                replicas: 3,
                ready_replicas: 2,
                selector: [("app".to_owned(), "ollama".to_owned())].into(),
                template_digest: snapshot.template_digest.clone(),
                termination_grace_period_seconds: 5,
                replicas_managers: vec![ReplicasManager {
                    manager: "kube-controller-manager".into(),
                    operation: "Update".into(),
                    subresource: "scale".into(),
                    time: None,
                }],
            }
        );
    }

    #[test]
    fn a_stateful_set_is_reduced_alike_and_has_the_servers_defaults() {
        let mut object = scaled();
        object["kind"] = json!("StatefulSet");
        object["spec"]["serviceName"] = json!("ollama");
        object["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = Value::Null;
        object["spec"]["replicas"] = Value::Null;
        let snapshot = snapshot_stateful_set(&serde_json::from_value(object).unwrap());
        assert_eq!(
            (snapshot.kind.as_str(), snapshot.spec_replicas, snapshot.replicas, snapshot.ready_replicas),
            ("StatefulSet", 1, 3, 2)
        );
        assert_eq!((snapshot.termination_grace_period_seconds, snapshot.replicas_managers.len()), (DEFAULT_GRACE_S, 1));
    }
}
