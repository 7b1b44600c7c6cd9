//! The target workload as the checks read it: a Deployment or a StatefulSet.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::digest::digest;
use crate::model::observation::{ReplicasManager, WorkloadSnapshot};

/// What Kubernetes gives a pod whose template names no grace period.
const DEFAULT_GRACE_S: i64 = 30;

/// Reduces a Deployment.
pub(super) fn snapshot_deployment(object: &Deployment) -> WorkloadSnapshot {
    let spec = object.spec.clone();
    let status = object.status.clone().unwrap_or_default();
    WorkloadSnapshot {
        observed_generation: status.observed_generation,
        replicas: status.replicas.unwrap_or(0),
        ready_replicas: status.ready_replicas.unwrap_or(0),
        ..base_snapshot("Deployment", &object.metadata, spec.replicas, &spec.selector, &spec.template)
    }
}

/// Reduces a StatefulSet.
pub(super) fn snapshot_stateful_set(object: &StatefulSet) -> WorkloadSnapshot {
    let spec = object.spec.clone();
    let status = object.status.clone().unwrap_or_default();
    WorkloadSnapshot {
        observed_generation: status.observed_generation,
        replicas: status.replicas,
        ready_replicas: status.ready_replicas.unwrap_or(0),
        ..base_snapshot("StatefulSet", &object.metadata, spec.replicas, &spec.selector, &spec.template)
    }
}

/// Dates a workload's writes by its managed fields. A write through the scale subresource, the HPA's, has no time there
/// (seen with 1.37.2): then the newest time is that of an earlier write and would date the new size too early. So a state
/// is dated only if the newest time has moved since the state before.
#[derive(Debug, Default)]
pub(super) struct WriteTimes {
    latest: Option<Timestamp>,
}

impl WriteTimes {
    /// The time of the write that led to this state, if it shows. States must be given in their order, each one.
    pub(super) fn next_write_time(&mut self, meta: &ObjectMeta) -> Option<Timestamp> {
        let times = meta.managed_fields.iter().flatten().filter_map(|entry| entry.time.as_ref());
        let newest = times.map(|time| time.0).max();
        let before = std::mem::replace(&mut self.latest, newest);
        newest.filter(|_| newest != before)
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
        replicas_managers: ReplicasManager::from_metadata(meta),
        ..WorkloadSnapshot::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// As the API server shows a Deployment that helm made and the HPA controller has scaled.
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
    fn the_writers_of_the_size_are_those_that_own_spec_replicas() {
        let object: Deployment = serde_json::from_value(scaled()).unwrap();
        let seen = snapshot_deployment(&object);
        assert_eq!(
            seen,
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
                template_digest: seen.template_digest.clone(),
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
    fn a_write_that_has_no_time_does_not_get_that_of_an_earlier_one() {
        let mut object: Deployment = serde_json::from_value(scaled()).unwrap();
        let mut writes = WriteTimes::default();
        assert_eq!(writes.next_write_time(&object.metadata), "2026-08-22T10:05:07Z".parse().ok());
        object.spec.replicas = Some(4);
        assert_eq!(writes.next_write_time(&object.metadata), None, "the HPA's write");
        object.metadata.managed_fields.as_mut().unwrap()[2].time =
            serde_json::from_value(json!("2026-08-22T10:06:00Z")).ok();
        assert_eq!(
            writes.next_write_time(&object.metadata),
            "2026-08-22T10:06:00Z".parse().ok(),
            "the status that follows"
        );
    }

    #[test]
    fn a_stateful_set_reads_alike_and_defaults_as_the_server_does() {
        let mut object = scaled();
        object["kind"] = json!("StatefulSet");
        object["spec"]["serviceName"] = json!("ollama");
        object["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = Value::Null;
        object["spec"]["replicas"] = Value::Null;
        let seen = snapshot_stateful_set(&serde_json::from_value(object).unwrap());
        assert_eq!(
            (seen.kind.as_str(), seen.spec_replicas, seen.replicas, seen.ready_replicas),
            ("StatefulSet", 1, 3, 2)
        );
        assert_eq!((seen.termination_grace_period_seconds, seen.replicas_managers.len()), (DEFAULT_GRACE_S, 1));
    }
}
