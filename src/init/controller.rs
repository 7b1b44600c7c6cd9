//! The HPA controller's flags, where the controller manager runs as a pod that can be read.

use k8s_openapi::api::core::v1::Pod;

use crate::model::adapter_rule::duration_ms;
use crate::snapshot::LEADER_LEASE_NAMESPACE;

/// The flags of kube-controller-manager that a run depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ControllerFindings {
    /// `--horizontal-pod-autoscaler-sync-period`, milliseconds.
    pub(super) sync_period_ms: Option<u64>,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, milliseconds.
    pub(super) downscale_stabilization_ms: Option<u64>,
    /// `--horizontal-pod-autoscaler-tolerance`.
    pub(super) tolerance: Option<f64>,
}

/// Reads the flags of the controller manager's pod; `None` without such a pod: on many platforms it is hidden.
pub(super) fn read(pods: &[Pod]) -> Option<ControllerFindings> {
    let is_manager = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        pod.metadata.namespace.as_deref() == Some(LEADER_LEASE_NAMESPACE)
            && labels.and_then(|all| all.get("component")).is_some_and(|value| value == "kube-controller-manager")
    };
    let spec = pods.iter().find(is_manager)?.spec.as_ref()?;
    let arguments: Vec<&String> =
        spec.containers.iter().flat_map(|one| one.command.iter().chain(&one.args)).flatten().collect();
    let flag = |name: &str| {
        let flag = format!("--horizontal-pod-autoscaler-{name}=");
        arguments.iter().find_map(|argument| argument.strip_prefix(&flag))
    };
    Some(ControllerFindings {
        sync_period_ms: flag("sync-period").and_then(duration_ms),
        downscale_stabilization_ms: flag("downscale-stabilization").and_then(duration_ms),
        tolerance: flag("tolerance").and_then(|text| text.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_flags_of_the_controller_manager_are_read() {
        let pod = |command: serde_json::Value| {
            serde_json::from_value(json!({"metadata": {"namespace": "kube-system", "name": "m",
                "labels": {"component": "kube-controller-manager"}}, "spec": {"containers": [{"name": "m", "command": command}]}}))
            .unwrap()
        };
        let found = read(&[pod(json!([
            "kube-controller-manager",
            "--horizontal-pod-autoscaler-sync-period=5s",
            "--horizontal-pod-autoscaler-tolerance=0.2"
        ]))]);
        let expected =
            ControllerFindings { sync_period_ms: Some(5000), tolerance: Some(0.2), ..ControllerFindings::default() };
        assert_eq!(found, Some(expected));
        assert_eq!(read(&[pod(json!(["kube-controller-manager"]))]), Some(ControllerFindings::default()));
        assert_eq!(read(&[]), None);
    }
}
