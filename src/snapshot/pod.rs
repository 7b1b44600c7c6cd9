//! Reduces a pod to what the checks read: readiness, requested and allocated accelerators, and why it is not running.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodSpec, PodStatus};

use super::resources::held_resources;
use crate::model::observation::{NotRunningReason, PodSnapshot};

/// Waiting reasons of a pod that starts normally.
const STARTUP_REASONS: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Reduces a pod.
#[must_use]
pub(crate) fn snapshot_pod(pod: &Pod) -> PodSnapshot {
    let meta = &pod.metadata;
    let spec = pod.spec.clone().unwrap_or_default();
    let status = pod.status.clone().unwrap_or_default();
    let ready = condition(&status, "Ready");
    let owner = meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    PodSnapshot {
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        created: meta.creation_timestamp.as_ref().map(|time| time.0),
        phase: status.phase.clone().unwrap_or_default(),
        ready: ready.is_some_and(|ready| ready.status == "True"),
        ready_since: ready.and_then(|ready| ready.last_transition_time.as_ref()).map(|time| time.0),
        deleting: meta.deletion_timestamp.is_some(),
        node: spec.node_name.clone(),
        labels: meta.labels.clone().unwrap_or_default(),
        owner: owner.map(|owner| format!("{}/{}", owner.kind, owner.name)),
        extended_resources: held_resources(&spec),
        resource_claims: resource_claim_names(&spec, &status),
        allocated_devices: allocated_device_ids(&status),
        devices_by_resource: device_ids_by_resource(&status),
        not_running: pod_problem(&status).or_else(|| container_problem(pod)),
        restarts: containers(&status).map(|container| container.restart_count).sum(),
    }
}

fn condition<'a>(status: &'a PodStatus, kind: &str) -> Option<&'a PodCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind)
}

fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
}

/// Names of the pod's ResourceClaim objects; the name of the entry in the pod's spec while the claim is not created
/// yet.
fn resource_claim_names(spec: &PodSpec, status: &PodStatus) -> Vec<String> {
    let created: BTreeMap<_, _> = status
        .resource_claim_statuses
        .iter()
        .flatten()
        .filter_map(|created| Some((created.name.as_str(), created.resource_claim_name.as_ref()?)))
        .collect();
    let declared = spec.resource_claims.iter().flatten();
    let mut names: Vec<_> = declared
        .map(|claim| {
            created.get(claim.name.as_str()).copied().or(claim.resource_claim_name.as_ref()).unwrap_or(&claim.name)
        })
        // Extended resources that a DRA driver backs have a claim that the spec does not name (KEP-5004).
        .chain(status.extended_resource_claim_status.iter().map(|bridge| &bridge.resource_claim_name))
        .cloned()
        .collect();
    names.sort();
    names
}

/// Ids of the allocated devices; a device that several containers share is listed once.
fn allocated_device_ids(status: &PodStatus) -> Vec<String> {
    let ids: BTreeSet<_> = device_ids_by_resource(status).into_values().flatten().collect();
    ids.into_iter().collect()
}

/// The same ids by resource.
fn device_ids_by_resource(status: &PodStatus) -> BTreeMap<String, Vec<String>> {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let allocated = containers(status).flat_map(|container| container.allocated_resources_status.iter().flatten());
    for resource in allocated {
        let of_resource = ids.entry(resource.name.clone()).or_default();
        of_resource.extend(resource.resources.iter().flatten().map(|device| device.resource_id.clone()));
        of_resource.sort();
        of_resource.dedup();
    }
    ids.retain(|_, ids| !ids.is_empty());
    ids
}

/// The scheduler's reason first, then the pod's own (Evicted, UnexpectedAdmissionError).
fn pod_problem(status: &PodStatus) -> Option<NotRunningReason> {
    let unscheduled = condition(status, "PodScheduled")
        .filter(|scheduled| scheduled.status == "False")
        .map(|scheduled| new_problem(scheduled.reason.as_deref(), scheduled.message.as_deref()));
    let rejected = || status.reason.as_deref().map(|reason| new_problem(Some(reason), status.message.as_deref()));
    unscheduled.or_else(rejected)
}

/// The first container that is not running. In a pod that is being deleted terminated containers are normal.
fn container_problem(pod: &Pod) -> Option<NotRunningReason> {
    let status = pod.status.as_ref().filter(|_| pod.metadata.deletion_timestamp.is_none())?;
    containers(status).find_map(container_state_problem)
}

fn container_state_problem(container: &ContainerStatus) -> Option<NotRunningReason> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().filter(|reason| !STARTUP_REASONS.contains(reason))?;
        let mut problem = new_problem(Some(reason), waiting.message.as_deref());
        // "back-off 20s" only says that the container terminated; lastState says how.
        if let Some(ended) = container.last_state.as_ref().and_then(|last| last.terminated.as_ref()) {
            let reason = ended.reason.as_deref().unwrap_or("unknown reason");
            problem.message += &format!("; last terminated: {reason}, exit code {}", ended.exit_code);
        }
        return Some(problem);
    }
    let ended = state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    let message =
        ended.message.clone().unwrap_or_else(|| format!("{} exited with {}", container.name, ended.exit_code));
    Some(new_problem(ended.reason.as_deref(), Some(&message)))
}

fn new_problem(reason: Option<&str>, message: Option<&str>) -> NotRunningReason {
    NotRunningReason { reason: reason.unwrap_or_default().to_owned(), message: message.unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// As the kubelet of Kubernetes 1.37 reports a running pod with one device.
    fn running() -> Value {
        json!({
            "metadata": {"name": "ollama-7d-x", "uid": "u3", "creationTimestamp": "2026-08-22T10:05:00Z",
                "labels": {"app": "ollama"}, "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Other", "name": "x", "uid": "o0"},
                    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "ollama-7d", "uid": "o1", "controller": true}]},
            "spec": {"nodeName": "n1",
                "initContainers": [
                    {"name": "pull", "resources": {"limits": {"nvidia.com/gpu": "4"}}},
                    {"name": "side", "restartPolicy": "Always", "resources": {"requests": {"nvidia.com/gpu": "1"}}}],
                "containers": [{"name": "ollama", "resources": {
                    "limits": {"nvidia.com/gpu": "1", "cpu": "2", "hugepages-2Mi": "4Mi"},
                    "requests": {"nvidia.com/gpu": "1", "cpu": "1"}}}]},
            "status": {"phase": "Running",
                "conditions": [
                    {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-08-22T10:05:01Z"},
                    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-08-22T10:05:30Z"}],
                "initContainerStatuses": [{"name": "side", "image": "i", "imageID": "", "ready": true,
                    "restartCount": 1, "state": {"running": {"startedAt": "2026-08-22T10:05:10Z"}}}],
                "containerStatuses": [{"name": "ollama", "image": "i", "imageID": "", "ready": true, "restartCount": 2,
                    "state": {"running": {"startedAt": "2026-08-22T10:05:10Z"}},
                    "allocatedResourcesStatus": [{"name": "nvidia.com/gpu", "resources": [
                        {"resourceID": "GPU-b", "health": "Healthy"}, {"resourceID": "GPU-a", "health": "Healthy"}]}]}]}
        })
    }

    fn reduced(pod: Value) -> PodSnapshot {
        snapshot_pod(&serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn a_running_pod_shows_its_accelerators_and_its_owner() {
        assert_eq!(
            reduced(running()),
            PodSnapshot {
                name: "ollama-7d-x".into(),
                uid: "u3".into(),
                created: "2026-08-22T10:05:00Z".parse().ok(),
                phase: "Running".into(),
                ready: true,
                ready_since: "2026-08-22T10:05:30Z".parse().ok(),
                deleting: false,
                node: Some("n1".into()),
                labels: [("app".to_owned(), "ollama".to_owned())].into(),
                owner: Some("ReplicaSet/ollama-7d".into()),
                extended_resources: [("nvidia.com/gpu".to_owned(), 2)].into(),
                resource_claims: vec![],
                allocated_devices: vec!["GPU-a".into(), "GPU-b".into()],
                devices_by_resource: [("nvidia.com/gpu".to_owned(), vec!["GPU-a".into(), "GPU-b".into()])].into(),
                not_running: None,
                restarts: 3,
            }
        );
    }

    #[test]
    fn a_claim_is_named_by_its_object_once_that_is_created() {
        let mut pod = running();
        pod["spec"]["resourceClaims"] = json!([
            {"name": "gpu", "resourceClaimTemplateName": "t"},
            {"name": "late", "resourceClaimTemplateName": "t"},
            {"name": "own", "resourceClaimName": "shared"}]);
        pod["status"]["resourceClaimStatuses"] = json!([{"name": "gpu", "resourceClaimName": "ollama-gpu-q8"}]);
        pod["status"]["extendedResourceClaimStatus"] = json!({"resourceClaimName": "bridge-1", "requestMappings": []});
        assert_eq!(reduced(pod).resource_claims, ["bridge-1", "late", "ollama-gpu-q8", "shared"]);
    }

    #[test]
    fn a_problem_is_reported_in_the_words_of_the_cluster() {
        let container = |state: Value| {
            let mut pod = running();
            pod["status"]["containerStatuses"][0]["state"] = state;
            pod
        };
        let mut unscheduled = running();
        unscheduled["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}]);
        let mut evicted = running();
        evicted["status"]["reason"] = json!("Evicted");
        let waiting = |reason: &str| container(json!({"waiting": {"reason": reason, "message": "m"}}));
        let mut crashed = waiting("CrashLoopBackOff");
        crashed["status"]["containerStatuses"][0]["lastState"] =
            json!({"terminated": {"exitCode": 1, "reason": "Error"}});
        let cases = [
            (running(), None),
            (unscheduled, Some(("Unschedulable", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."))),
            (evicted, Some(("Evicted", ""))),
            (waiting("ImagePullBackOff"), Some(("ImagePullBackOff", "m"))),
            (waiting("CrashLoopBackOff"), Some(("CrashLoopBackOff", "m"))),
            (crashed, Some(("CrashLoopBackOff", "m; last terminated: Error, exit code 1"))),
            (waiting("ContainerCreating"), None),
            (
                container(json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})),
                Some(("OOMKilled", "ollama exited with 137")),
            ),
            (container(json!({"terminated": {"exitCode": 0, "reason": "Completed"}})), None),
        ];
        for (pod, expected) in cases {
            assert_eq!(
                reduced(pod).not_running,
                expected.map(|(reason, message)| new_problem(Some(reason), Some(message)))
            );
        }
    }

    #[test]
    fn a_deleted_pod_is_deleting_and_may_still_be_ready() {
        let mut pod = running();
        pod["metadata"]["deletionTimestamp"] = json!("2026-08-22T10:10:00Z");
        pod["status"]["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 143, "reason": "Error"}});
        let snapshot = reduced(pod);
        assert!(snapshot.deleting && snapshot.ready && snapshot.not_running.is_none());
    }
}
