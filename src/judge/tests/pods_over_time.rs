//! Pods after their first moment of readiness: crashes, endpoints, nodes and owners.

use super::run_fixture::{
    FALL, OLD, RISE, RunFixture, SCALED_TO_3, SECOND, THIRD, TWO_PODS, edit_samples, healthy, real_accelerators,
};
use crate::judge::{Check, CheckStatus};
use crate::model::observation::{NodeSnapshot, NotRunningReason, ObservationKind, PodSnapshot, ProbeRecord};
use crate::model::scenario::EndpointType;
use crate::units::Milli;

use Check::{ByTheAutoscaler, HoldSteady, NewPodsRunOnAccelerators, NewPodsServe};

/// The healthy run with a hold of three minutes more.
fn long_hold() -> RunFixture {
    healthy().longer(66_000, 180_000)
}

const LONG_FALL: u64 = FALL + 180_000;

/// From this time on the pod is not Ready, restarts and is no endpoint.
fn crashes(run: RunFixture, name: &str, from_ms: u64, to_ms: u64) -> RunFixture {
    let crashed = |run: &RunFixture, restarts: i32| PodSnapshot {
        ready: false,
        restarts,
        not_running: Some(NotRunningReason {
            reason: "CrashLoopBackOff".to_owned(),
            message: "back-off 40s; last terminated: OOMKilled, exit code 137".to_owned(),
        }),
        ..run.pod_at(name, from_ms)
    };
    let well = run.pod_at(name, from_ms);
    let mut run = run.pods(name, |at, pod| {
        if (from_ms..to_ms).contains(&at) {
            pod.ready = false;
        }
    });
    let listed = |run: &RunFixture, at_ms: u64| {
        let mut all = run.timeline.iter().filter(|o| o.at_ms <= at_ms).filter_map(|o| match &o.kind {
            ObservationKind::Endpoints(endpoints) => Some(endpoints.clone()),
            _ => None,
        });
        all.next_back().unwrap()
    };
    let before = listed(&run, from_ms);
    let mut without = before.clone();
    without.ready_pods.retain(|pod| pod != name);
    let pod = crashed(&run, 6);
    run = run
        .with_observation(from_ms, ObservationKind::Pod(pod))
        .with_observation(from_ms, ObservationKind::Endpoints(without));
    if to_ms < u64::MAX {
        let back = PodSnapshot { restarts: 6, ..well };
        run = run
            .with_observation(to_ms, ObservationKind::Pod(back))
            .with_observation(to_ms, ObservationKind::Endpoints(before));
    }
    run
}

#[test]
fn a_node_that_was_lost_for_a_time_is_named() {
    let node = |run: &RunFixture, name: &str, ready: bool| {
        let mut nodes = run.timeline.iter().filter_map(|o| match &o.kind {
            ObservationKind::Node(node) => Some(node.clone()),
            _ => None,
        });
        let node = nodes.next_back().unwrap();
        ObservationKind::Node(NodeSnapshot { name: name.to_owned(), ready, ..node })
    };
    let lost = |name: &str| {
        let run = healthy();
        let (away, back) = (node(&run, name, false), node(&run, name, true));
        run.with_observation(SCALED_TO_3 + 2_000, away).with_observation(SCALED_TO_3 + 9_500, back)
    };
    let name = healthy().pod_at(SECOND, FALL).node.unwrap();
    let text = format!("node {name}, with pods of the target on it, was not Ready for 7.5s under load");
    lost(&name).assert_passes_with_finding(HoldSteady, &text);
    let other = lost("another").evaluate(HoldSteady);
    assert!(other.findings.iter().all(|finding| !finding.contains("was not Ready for 7.5s")), "{:?}", other.findings);
}

#[test]
fn a_pod_that_crashes_until_the_end_leaves_too_few() {
    // Two replicas are expected; of three pods two crash after 100 s.
    let one = crashes(long_hold(), SECOND, 160_000, u64::MAX);
    one.assert_passes_with_finding(
        HoldSteady,
        "pod ollama-7fd697578d-fcd5l was not Ready for 1m33s and restarted 6 times",
    );
    one.assert_passes_with_finding(HoldSteady, "OOMKilled, exit code 137");
    let two = crashes(one, THIRD, 160_000, u64::MAX);
    two.assert_inconclusive(
        HoldSteady,
        "(workload) 2 pods of the target must be Ready and endpoints of the Service until the load ends",
    );
    two.assert_inconclusive(
        NewPodsRunOnAccelerators,
        "(workload) only 1 of 2 pods of the target are Ready at the same time when the load ends: pod ollama-7fd697578d-fcd5l \
         was not Ready for 1m33s and restarted 6 times after it had been Ready: CrashLoopBackOff",
    );
}

#[test]
fn a_pod_that_is_ready_again_only_at_the_end_is_not_steady() {
    let flapping = |back_ms: u64| {
        let one = crashes(long_hold(), SECOND, 80_000, back_ms);
        crashes(one, THIRD, 80_000, back_ms)
    };
    flapping(LONG_FALL - 2_000).assert_inconclusive(HoldSteady, "at last for 2.0s");
    flapping(LONG_FALL - 20_000).assert_inconclusive(HoldSteady, "they were for ");
    let brief = flapping(95_000);
    brief.assert_passes_with_finding(
        HoldSteady,
        "was not Ready for 15.0s and restarted 6 times after it had been Ready",
    );
}

#[test]
fn a_restart_without_a_loss_of_readiness_is_a_finding() {
    let run = healthy();
    let restarted = PodSnapshot { restarts: 1, ..run.pod_at(OLD, 60_000) };
    run.with_observation(60_000, ObservationKind::Pod(restarted))
        .assert_passes_with_finding(HoldSteady, "pod ollama-7fd697578d-dfk6s restarted once after it had been Ready");
}

#[test]
fn pods_that_stop_to_be_endpoints_hold_nothing() {
    let run = long_hold().each(|o| match &mut o.kind {
        ObservationKind::Endpoints(endpoints) if o.at_ms > RISE && o.at_ms < LONG_FALL => {
            endpoints.ready_pods.truncate(1)
        }
        _ => {}
    });
    run.assert_inconclusive(HoldSteady, "2 pods of the target must be Ready and endpoints of the Service");
    run.assert_inconclusive(HoldSteady, "they never were at the same time");
}

#[test]
fn under_load_a_crashed_pod_is_awaited_but_not_for_ever() {
    let run = || crashes(crashes(long_hold(), SECOND, 100_000, u64::MAX), THIRD, 100_000, u64::MAX);
    let status_at = |at_ms: u64| run().without(|o| o.at_ms > at_ms).evaluate(HoldSteady).status;
    assert_eq!(status_at(110_000), CheckStatus::Pending);
    let long = run().longer(200_000, 2_000_000).without(|o| o.at_ms > 2_000_000);
    assert_eq!(long.evaluate(HoldSteady).status, CheckStatus::Inconclusive);
}

/// The healthy run in which these pods are never endpoints.
fn never_endpoints(names: &'static [&'static str]) -> RunFixture {
    healthy().each(|o| {
        if let ObservationKind::Endpoints(endpoints) = &mut o.kind {
            endpoints.ready_pods.retain(|pod| !names.contains(&pod.as_str()));
        }
    })
}

#[test]
fn activity_of_a_pod_that_is_no_endpoint_is_not_the_services() {
    let text =
        "the pod was no ready endpoint of Service gpuhpa-20261124-065737-135 then: whose chats caused it is not known";
    never_endpoints(&[SECOND, THIRD]).assert_inconclusive(NewPodsServe, text);
    never_endpoints(&[THIRD]).assert_inconclusive(NewPodsServe, "the metric of pod ollama-7fd697578d-lb9np is ");
    let unread = healthy().without(|o| matches!(o.kind, ObservationKind::Endpoints(_)));
    unread.assert_inconclusive(NewPodsServe, "no endpoints of the Service were observed");
}

#[test]
fn without_a_service_the_activity_alone_counts_and_that_is_said() {
    let run = healthy().scenario(|s| s.endpoint.kind = EndpointType::Url);
    let run = run.without(|o| matches!(o.kind, ObservationKind::Endpoints(_)));
    run.assert_passes_with_finding(NewPodsServe, "the load goes to a URL, so no Service was observed");
    run.assert_passes_with_finding(NewPodsServe, "receives traffic through the load's URL");
}

#[test]
fn a_pod_on_a_node_that_is_never_ready_has_no_current_state() {
    let run = healthy().each(|o| {
        if let ObservationKind::Node(node) = &mut o.kind {
            node.ready = false;
        }
    });
    run.assert_inconclusive(NewPodsRunOnAccelerators, "but its node rig-node was not Ready when the load ended");
}

#[test]
fn more_accelerators_in_use_than_the_node_offers_are_a_contradiction() {
    let run = healthy().each(|o| {
        if let ObservationKind::Node(node) = &mut o.kind {
            node.allocatable.insert("nvidia.com/gpu".to_owned(), 1);
        }
    });
    let text = "3 Ready pods of the target on node rig-node request 3 nvidia.com/gpu, and it offered 1 at most";
    run.assert_inconclusive(NewPodsRunOnAccelerators, text);
}

#[test]
fn a_pod_of_another_owner_was_not_made_by_scaling_the_target() {
    for owner in
        [None, Some("ReplicaSet/other-7fd697578d"), Some("ReplicaSet/ollama-2-7fd697578d"), Some("Job/ollama-1")]
    {
        let run = healthy().pods(SECOND, |_, pod| pod.owner = owner.map(ToOwned::to_owned));
        let text = "pod ollama-7fd697578d-fcd5l was not made by scaling Deployment ollama: its owner is";
        run.assert_inconclusive(NewPodsRunOnAccelerators, text);
    }
    let rollout = healthy().pods(SECOND, |_, pod| pod.owner = Some("ReplicaSet/ollama-5c9f8d".to_owned()));
    rollout.assert_inconclusive(NewPodsRunOnAccelerators, "it may be of a rollout");
}

#[test]
fn a_tool_that_writes_every_change_is_no_autoscaler_whatever_the_status_says() {
    for tool in ["kubectl", "kubectl-scale", "helm", "argocd-controller", "Mozilla", "python-requests"] {
        let run = healthy().written_by(SCALED_TO_3 - 20_000, tool, "scale");
        run.assert_inconclusive(ByTheAutoscaler, &format!("and {tool} is no HPA controller"));
    }
    healthy().written_by(0, "k3s", "scale").assert_passes(ByTheAutoscaler, "by k3s");
    let unknown = healthy().written_by(0, "octopus", "scale");
    unknown.assert_passes_with_finding(
        ByTheAutoscaler,
        "octopus wrote every change to the scale subresource, which is not a known name",
    );
    unknown.without_events().assert_inconclusive(ByTheAutoscaler, "no event of the controller confirms each change");
}

#[test]
fn a_model_that_is_partly_or_mostly_in_host_memory_is_named() {
    let with_share = |percent: u64| {
        real_accelerators().probes(|p| p.model_accelerator_bytes = p.model_bytes.map(|size| size * percent / 100))
    };
    let partly = with_share(80);
    partly.assert_passes_with_finding(
        NewPodsServe,
        "of the model of pod ollama-7fd697578d-fcd5l is in accelerator memory",
    );
    with_share(49).assert_inconclusive(NewPodsServe, "less than 50 %");
    with_share(50).assert_passes(NewPodsServe, "");
    let byte = real_accelerators().probes(|p| p.model_accelerator_bytes = Some(1));
    byte.assert_inconclusive(
        NewPodsServe,
        "(workload) pod ollama-7fd697578d-fcd5l answers, but only 1 bytes of its model of 67724288 bytes",
    );
    let unsized_model = real_accelerators().probes(|p| p.model_bytes = None);
    unsized_model
        .assert_passes_with_finding(NewPodsServe, "the size of the model of pod ollama-7fd697578d-fcd5l is not stated");
}

#[test]
fn a_probe_without_a_token_generated_nothing() {
    healthy().probes(|p| p.tokens = 0).assert_inconclusive(NewPodsServe, "answered its probe chat with 0 tokens");
}

#[test]
fn models_of_different_digests_are_a_finding() {
    let run = healthy().probes(|p| {
        if p.pod == THIRD {
            p.model_digest = Some("moved".to_owned());
        }
    });
    run.assert_passes_with_finding(NewPodsServe, "the pods serve models of different digests");
    let first = ProbeRecord { model_digest: Some("first".to_owned()), tokens: 1, ..ProbeRecord::default() };
    let run = healthy().with_observation(4_000, ObservationKind::Probe(first));
    run.assert_passes_with_finding(NewPodsServe, "first in the first chat");
}

#[test]
fn a_pod_with_traffic_only_before_it_left_the_endpoints_has_taken_it() {
    // Idle from the time on at which it is no endpoint any more.
    let run = long_hold().each(|o| {
        let at = o.at_ms;
        match &mut o.kind {
            ObservationKind::Metric(reading) if at > 200_000 => edit_samples(&mut reading.result, |sample| {
                if sample.object.as_deref() == Some(THIRD) {
                    sample.value = Some(Milli(0));
                }
            }),
            _ => {}
        }
    });
    let run = crashes(run, THIRD, 200_000, u64::MAX);
    let result = run.evaluate(NewPodsServe);
    assert_eq!(result.status, CheckStatus::Pass, "{}", result.reason);
}

#[test]
fn a_status_that_counts_fewer_pods_than_are_ready_contradicts_their_records() {
    let counts = |ready: i32, from_ms: u64| {
        long_hold().workloads(move |at, workload| {
            if at >= from_ms && at < LONG_FALL {
                workload.ready_replicas = ready;
            }
        })
    };
    counts(1, TWO_PODS).assert_inconclusive(
        HoldSteady,
        "the records contradict each other: 2 pods of the target are Ready by their own status",
    );
    assert_eq!(counts(2, TWO_PODS).evaluate(HoldSteady).status, CheckStatus::Pass);
    // The status may be that of a moment ago.
    let gap = counts(1, TWO_PODS).gap("workload", 150_000, 200_000);
    assert!(!gap.evaluate(HoldSteady).reason.contains("contradict"));
}

#[test]
fn a_pod_that_is_deleted_or_evicted_in_the_hold_is_a_finding() {
    let deleted = long_hold().with_observation(120_000, {
        let run = long_hold();
        ObservationKind::Pod(PodSnapshot { deleting: true, ..run.pod_at(THIRD, 119_000) })
    });
    deleted.assert_passes_with_finding(
        HoldSteady,
        "by no scale-down (deleted, evicted, preempted, or replaced by a rollout)",
    );
    let reason =
        NotRunningReason { reason: "Evicted".to_owned(), message: "The node was low on resource: memory".to_owned() };
    let evicted = long_hold().with_observation(120_000, {
        let run = long_hold();
        let pod = run.pod_at(THIRD, 119_000);
        ObservationKind::Pod(PodSnapshot { ready: false, phase: "Failed".to_owned(), not_running: Some(reason), ..pod })
    });
    evicted.assert_passes_with_finding(HoldSteady, ": Evicted: The node was low on resource: memory");
    let reasons = healthy().evaluate(HoldSteady).findings;
    assert!(!reasons.iter().any(|text| text.contains("by no scale-down")), "{reasons:?}");
}

#[test]
fn a_restart_is_named_where_a_pod_was_active_and_no_endpoint() {
    let run = never_endpoints(&[SECOND, THIRD]);
    let restarted = PodSnapshot { restarts: 1, ..run.pod_at(SECOND, 60_000) };
    let run = run.with_observation(60_000, ObservationKind::Pod(restarted));
    run.assert_inconclusive(NewPodsServe, "is not known; the pod restarted once after it had been Ready");
}
