//! Pods that are not placed or not created: only a lack of accelerators is one of capacity, by the scheduler's own words.

use super::run_fixture::{OLD, RunFixture, healthy, phase_began};
use crate::judge::Check::{MetricServed, PodsRequestAccelerators};
use crate::model::observation::{EventSnapshot, NodeSnapshot, NotRunningReason, ObservationKind, Phase};

const ENDED_MS: u64 = 10_809;

/// A run that ended in its installation: the first pod stays Pending with this message.
fn unschedulable(message: &str) -> RunFixture {
    let problem = NotRunningReason { reason: "Unschedulable".to_owned(), message: message.to_owned() };
    let run = healthy().api_fails(0, u64::MAX).without(|o| matches!(o.kind, ObservationKind::Phase(_)));
    let mut run = run.with_observation(ENDED_MS, phase_began(Phase::Cleanup));
    run.journal.clear();
    run.pods(OLD, |_, pod| (pod.ready, pod.not_running) = (false, Some(problem.clone())))
}

/// Adds nodes without accelerators.
fn with_cpu_nodes(run: RunFixture, count: usize) -> RunFixture {
    (0..count).fold(run, |run, index| {
        let node = NodeSnapshot { name: format!("cpu-{index}"), ready: true, ..NodeSnapshot::default() };
        run.with_observation(100, ObservationKind::Node(node))
    })
}

#[test]
fn a_taint_an_affinity_another_resource_and_a_volume_are_no_lack_of_accelerators() {
    for message in [
        "0/1 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: present}.",
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
        "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
        "0/1 nodes are available: 1 Insufficient smarter-devices/fuse.",
        "0/1 nodes are available: 1 Insufficient memory.",
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    ] {
        let text = format!("(workload) pod {OLD}: Unschedulable: {message}");
        unschedulable(message).assert_inconclusive(MetricServed, &text);
    }
    for message in [
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available.",
        "0/1 nodes are available: 1 cannot allocate all claims.",
    ] {
        unschedulable(message)
            .assert_inconclusive(MetricServed, &format!("(capacity) pod {OLD}: Unschedulable: {message}"));
    }
}

/// Nodes without accelerators are insufficient as well, while the one with accelerators is refused for another reason.
#[test]
fn a_tainted_accelerator_node_beside_others_is_no_lack_of_accelerators() {
    let tainted = "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient nvidia.com/gpu.";
    with_cpu_nodes(unschedulable(tainted), 2).assert_inconclusive(MetricServed, "(workload) pod ");
    let full = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.";
    with_cpu_nodes(unschedulable(full), 2).assert_inconclusive(MetricServed, "(capacity) pod ");
}

#[test]
fn pods_that_a_quota_keeps_from_being_created_are_named_with_it() {
    let quota = "pods \"ollama-x\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1";
    let event = |object: &str| EventSnapshot {
        object: object.to_owned(),
        kind: "Warning".to_owned(),
        reason: "FailedCreate".to_owned(),
        message: quota.to_owned(),
        ..EventSnapshot::default()
    };
    let run = |object: &str| {
        let run = healthy().without(|o| matches!(o.kind, ObservationKind::Pod(_) | ObservationKind::Phase(_)));
        let run = run.with_observation(900, ObservationKind::Event(event(object)));
        let mut run = run.with_observation(ENDED_MS, phase_began(Phase::Cleanup));
        run.journal.clear();
        run
    };
    let of_target = run("ReplicaSet/ollama-7fd697578d");
    of_target.assert_inconclusive(PodsRequestAccelerators, "(workload) no pod of the target was created: ReplicaSet/");
    of_target.assert_inconclusive(PodsRequestAccelerators, quota);
    let of_another = run("ReplicaSet/trainer-7fd697578d").evaluate(PodsRequestAccelerators).reason;
    assert!(!of_another.contains("quota"), "{of_another}");
}
