//! Reduces the scale target, a Deployment or a StatefulSet, to what the checks read.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::digest::digest;
use crate::model::observation::{ReplicasManager, WorkloadSnapshot};

/// Kubernetes' default of terminationGracePeriodSeconds.
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

/// Finds the time of a workload's last write in its managed fields. A write through the scale subresource, as the
/// HPA's, has no time there (Kubernetes 1.37.2): the newest time is then that of an earlier write, and too early for
/// the new size. So a state gets a time only if the newest time has changed since the previous state.
#[derive(Debug, Default)]
pub(super) struct WriteTimes {
    latest: Option<Timestamp>,
}

impl WriteTimes {
    /// The time of the write that led to this state, if known. Callers must pass every state, in order.
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
