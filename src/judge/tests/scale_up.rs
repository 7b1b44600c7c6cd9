//! ScaleUp/ReplicasRise, ScaleUp/NewPodsRunOnAccelerators, ScaleUp/NewPodsServe.

use super::run_fixture::{
    CLEANUP, FALL, OLD, RISE, RunFixture, SCALED_TO_2, SCALED_TO_3, SECOND, THIRD, TWO_PODS, edit_samples, healthy,
    is_api_reading, object_metric, real_accelerators, recorded, slow_metric,
};
use crate::judge::{Check, CheckStatus, Evaluator};
use crate::model::observation::{
    EventSnapshot, FailureCount, NotRunningReason, ObjectCondition, ObservationKind, Phase, PodSnapshot, ProbeRecord,
};
use crate::model::reading::{MetricHop, ReadingResult};
use crate::model::verdict::CaseResult;
use crate::units::{HumanDuration, Milli};

use Check::{MetricFollowsLoad, NewPodsRunOnAccelerators, NewPodsServe, ReplicasRise};

#[test]
fn replicas_rise_within_the_bound() {
    healthy().assert_passes(ReplicasRise, "2 replicas 3.4s after the metric first recommends 2 replicas");
}

#[test]
fn a_controller_that_does_not_act_fails() {
    let run = stays_at_one();
    run.assert_fails(ReplicasRise, "the metric recommends 2 replicas, but");
}

#[test]
fn a_rise_within_twice_the_assumed_times_is_inconclusive() {
    // 13 s from 32.555 s on, 23 s with a doubled sync period.
    slow_metric().longer(35_900, 12_000).assert_inconclusive(ReplicasRise, "later than 13s");
    // The statuses before and after show no pass for so long: the sync period is not the assumed one.
    let slower = slow_metric().longer(35_900, 25_000);
    slower.assert_inconclusive(
        ReplicasRise,
        "the observations refute assumptions.syncPeriod 5s: two statuses of the HPA",
    );
    // Another process took over in that time, so the statuses show no sync period; and it has had more than its time.
    let restarted = slower.with_leader_from(0, "a").with_leader_from(33_000, "b");
    restarted.assert_fails(ReplicasRise, "the metric recommends 2 replicas, but");
    slow_metric().longer(35_900, 9_000).assert_passes(ReplicasRise, "2 replicas 12.4s");
}

#[test]
fn a_prerequisite_of_replicas_rise_turns_fail_into_inconclusive() {
    stays_at_one()
        .metric(RISE, CLEANUP, Some(20_000))
        .assert_inconclusive(ReplicasRise, "prerequisite Control/MetricFollowsLoad (scale-up)");
    let by_kubectl =
        slow_metric().longer(35_900, 25_000).written_by(50_000, "kubectl", "scale").hpas(|_, h| h.desired_replicas = 1);
    by_kubectl.assert_inconclusive(ReplicasRise, "prerequisite Control/ByTheAutoscaler");
}

#[test]
fn a_brief_recommendation_does_not_start_the_bound() {
    // One reading recommends 2 long before the metric does so lastingly.
    let run = slow_metric().longer(28_000, 40_000).metric(29_000, 30_000, Some(100_000));
    run.assert_passes(ReplicasRise, "2 replicas 3.4s");
}

#[test]
fn an_interrupted_recommendation_begins_the_bound_anew() {
    let late = slow_metric().longer(35_900, 12_000);
    let interrupted = |from_ms| late.clone().metric(from_ms, from_ms + 1_000, Some(20_000));
    interrupted(45_000).assert_passes(ReplicasRise, "after the metric again recommends 2 replicas");
    // Before this interruption the controller had its time.
    interrupted(46_500).assert_inconclusive(ReplicasRise, "after the metric first recommends them: later than 13s");
}

#[test]
fn a_metric_that_recommends_more_now_and_then_is_not_a_fail() {
    // It recommends more for a sync period plus the lag only; a controller with twice the period may have missed it.
    let run = stays_at_one().metric(46_000, CLEANUP, Some(40_000));
    run.assert_inconclusive(ReplicasRise, "it recommends them, but not for");
}

#[test]
fn a_scale_up_window_delays_the_rise() {
    let run = stays_at_one().scenario(|s| scale_up(s).stabilization_window_seconds = Some(60));
    let result = run.evaluate(ReplicasRise);
    assert_ne!(result.status, CheckStatus::Fail, "{}", result.reason);
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn a_size_that_the_autoscaler_set_and_a_quota_kept_down_is_not_a_fail() {
    let quota = "pods \"ollama\" is forbidden: exceeded quota: gpus";
    let event = EventSnapshot {
        object: "ReplicaSet/ollama-7fd697578d".to_owned(),
        kind: "Warning".to_owned(),
        reason: "FailedCreate".to_owned(),
        message: quota.to_owned(),
        ..EventSnapshot::default()
    };
    // With one pod the metric recommends at most 2.
    let run = healthy().workloads(|at, w| {
        (w.replicas, w.spec_replicas, w.generation) = (1, w.spec_replicas.min(2), w.generation.map(|g| g.min(2)));
        if at >= super::run_fixture::SCALED_TO_1 {
            w.generation = Some(3);
        }
    });
    let run = run.without(|o| matches!(&o.kind, ObservationKind::Pod(p) if p.name != OLD));
    run.with_observation(SCALED_TO_2 + 20, ObservationKind::Event(event)).assert_inconclusive(ReplicasRise, quota);
}

#[test]
fn pods_of_a_rollout_are_no_replicas() {
    // A surge makes two pods of one replica.
    let run = stays_at_one().workloads(|at, w| w.replicas = if at > SCALED_TO_2 { 2 } else { w.replicas });
    assert_ne!(run.evaluate(ReplicasRise).status, CheckStatus::Pass);
    assert_ne!(run.result(), CaseResult::Pass);
}

#[test]
fn a_target_that_could_not_be_watched_is_not_a_fail() {
    stays_at_one().gap("workload", 34_000, 70_000).assert_inconclusive(ReplicasRise, "the watch of workload had a gap");
    stays_at_one().gap("observer", 34_000, 70_000).assert_inconclusive(ReplicasRise, "the watch of observer had a gap");
}

#[test]
fn an_edited_hpa_is_not_a_fail() {
    let edited = |change: fn(&mut crate::model::observation::HpaSnapshot)| {
        stays_at_one().hpas(move |at, hpa| {
            if at > 30_000 {
                change(hpa)
            }
        })
    };
    edited(|hpa| hpa.spec_digest = "another".to_owned()).assert_inconclusive(ReplicasRise, "the HPA was edited");
    edited(|hpa| hpa.max_replicas = 1).assert_inconclusive(ReplicasRise, "the HPA was edited");
    edited(|hpa| hpa.generation = Some(3)).assert_inconclusive(ReplicasRise, "the HPA was edited");
    edited(|hpa| hpa.uid = "another".to_owned()).assert_inconclusive(ReplicasRise, "the HPA was replaced");
    edited(|hpa| hpa.conditions = vec![ambiguous()])
        .assert_inconclusive(ReplicasRise, "another HPA selects the same pods");
    let deleted = stays_at_one();
    let uid = deleted.hpa_at(30_909).uid;
    let object = crate::model::observation::DeletedObject {
        kind: "HorizontalPodAutoscaler".to_owned(),
        name: String::new(),
        uid,
    };
    deleted
        .with_observation(40_000, ObservationKind::ObjectDeleted(object))
        .assert_inconclusive(ReplicasRise, "the HPA was deleted");
}

#[test]
fn replica_bounds_that_the_server_changed_from_the_start_are_inconclusive() {
    let run = healthy().hpas(|_, hpa| hpa.max_replicas = 2);
    assert_eq!(run.result(), CaseResult::Inconclusive, "the HPA differs from the scenario");
}

#[test]
fn new_pods_are_ready_on_nodes_with_accelerators_with_a_device_each() {
    healthy().assert_passes(NewPodsRunOnAccelerators, "2 of 2 new pods Ready on nodes with accelerators, within ");
    healthy().assert_passes_with_finding(NewPodsRunOnAccelerators, "GPU-6f1d2c3a-0000-4a5b-8c9d-000000000000");
    healthy().assert_passes_with_finding(NewPodsRunOnAccelerators, "GPU-6f1d2c3a-0001-4a5b-8c9d-000000000001");
}

#[test]
fn several_nodes_of_the_target_are_named() {
    let mut second_node = None;
    let mut two_nodes = healthy().each(|o| match &mut o.kind {
        ObservationKind::Pod(pod) if pod.name == SECOND => {
            pod.node = pod.node.as_ref().map(|_| "rig-node-2".to_owned())
        }
        ObservationKind::Node(node) => second_node = Some(node.clone()),
        ObservationKind::Metric(reading) => edit_samples(&mut reading.result, |sample| {
            if sample.object.as_deref() == Some(SECOND) {
                std::sync::Arc::make_mut(&mut sample.labels).insert("Hostname".to_owned(), "rig-node-2".to_owned());
            }
        }),
        _ => {}
    });
    if let Some(node) = second_node {
        let node = crate::model::observation::NodeSnapshot { name: "rig-node-2".to_owned(), ..node };
        two_nodes = two_nodes.with_observation(1_000, ObservationKind::Node(node));
    }
    two_nodes.assert_passes(NewPodsRunOnAccelerators, "s; the pods of the target are on 2 nodes: rig-node, rig-node-2");
}

#[test]
fn a_device_reported_after_ready_is_kept_when_the_pod_is_gone() {
    let run = healthy().pods(SECOND, |_, pod| pod.allocated_devices.clear());
    let mut later = healthy().pod_at(SECOND, 37_300);
    later.allocated_devices = vec!["GPU-late".to_owned()];
    run.with_observation(39_000, ObservationKind::Pod(later))
        .assert_passes_with_finding(NewPodsRunOnAccelerators, "GPU-late");
}

#[test]
fn a_device_may_be_known_from_the_labels_of_the_pods_series() {
    let bare = healthy().each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind {
            pod.allocated_devices.clear()
        }
    });
    bare.assert_passes_with_finding(NewPodsRunOnAccelerators, "(by the exporter's labels)");
    let unlabelled = bare.each(|o| {
        if let ObservationKind::Metric(reading) = &mut o.kind {
            super::run_fixture::edit_samples(&mut reading.result, |sample| sample.labels = std::sync::Arc::default());
        }
    });
    unlabelled.assert_inconclusive(NewPodsRunOnAccelerators, "no device of it is recorded");
}

/// The healthy run with the label of the device renamed, and devices that only this label names.
fn with_device_label(name: &str) -> RunFixture {
    healthy().each(|o| match &mut o.kind {
        ObservationKind::Pod(pod) => pod.allocated_devices.clear(),
        ObservationKind::Metric(reading) => edit_samples(&mut reading.result, |sample| {
            if let Some(uuid) = std::sync::Arc::make_mut(&mut sample.labels).remove("UUID") {
                std::sync::Arc::make_mut(&mut sample.labels).insert(name.to_owned(), uuid);
            }
        }),
        _ => {}
    })
}

#[test]
fn the_label_of_a_device_is_the_one_that_the_profile_names() {
    let renamed = with_device_label("slot");
    renamed.assert_inconclusive(NewPodsRunOnAccelerators, "no device of it is recorded");
    let profile = serde_json::json!({"name": "own", "labels": {"device": ["serial", "slot"]}});
    let profile = Some(serde_json::from_value(profile).unwrap());
    let named = renamed.scenario(|s| s.metric.profile = profile);
    named.assert_passes_with_finding(NewPodsRunOnAccelerators, "000000000001 (by the exporter's labels)");
}

#[test]
fn without_a_profile_the_usual_labels_of_exporters_name_the_device() {
    for label in ["UUID", "uuid", "gpu_uuid", "GPU_UUID", "device_uuid", "deviceuuid", "exported_uuid"] {
        let run = with_device_label(label).scenario(|s| s.metric.profile = None);
        run.assert_passes_with_finding(NewPodsRunOnAccelerators, "000000000001 (by the exporter's labels)");
    }
}

#[test]
fn a_model_of_a_remote_host_shows_nothing_about_the_accelerator() {
    let host = || Some("m:120b at https://remote.example".to_owned());
    let of_pods = healthy().probes(|probe| probe.remote_model = host());
    let text =
        "(workload) a remote host served the chat of pod ollama-7fd697578d-fcd5l (m:120b at https://remote.example)";
    of_pods.assert_inconclusive(NewPodsServe, text);
    let first_chat = ObservationKind::Probe(ProbeRecord { remote_model: host(), ..ProbeRecord::default() });
    let first = healthy().with_observation(5000, first_chat);
    first.assert_inconclusive(NewPodsServe, "(workload) a remote host served the first chat (m:120b at");
    first.metric(0, u64::MAX, Some(0)).assert_inconclusive(MetricFollowsLoad, "a remote host served the first chat");
}

#[test]
fn pods_that_share_a_device_are_named() {
    let run = healthy().each(|o| match &mut o.kind {
        ObservationKind::Pod(pod) if !pod.allocated_devices.is_empty() => {
            pod.allocated_devices = vec![format!("GPU-1::{}", pod.name.len())]
        }
        _ => {}
    });
    let findings = run.evaluate(NewPodsRunOnAccelerators).findings;
    assert!(findings.iter().any(|f| f.contains("sharing: ") && f.contains("share GPU-1")), "{findings:?}");
}

#[test]
fn a_pod_on_a_node_that_never_had_an_accelerator_fails() {
    let run = healthy().each(|o| {
        if let ObservationKind::Node(node) = &mut o.kind {
            node.allocatable.clear()
        }
    });
    run.assert_fails(NewPodsRunOnAccelerators, "runs on node rig-node, which has no accelerator");
}

#[test]
fn a_claim_needs_no_extended_resource_of_its_node() {
    let run = healthy().each(|o| match &mut o.kind {
        ObservationKind::Node(node) => node.allocatable.clear(),
        ObservationKind::Pod(pod) => {
            pod.extended_resources.clear();
            pod.allocated_devices.clear();
            pod.resource_claims = vec![format!("{}-gpu", pod.name)];
        }
        _ => {}
    });
    run.assert_passes_with_finding(NewPodsRunOnAccelerators, "with claim ollama-7fd697578d-fcd5l-gpu");
}

#[test]
fn a_device_plugin_that_restarts_after_the_pod_was_placed_is_not_a_fail() {
    let bare =
        crate::model::observation::NodeSnapshot { name: "rig-node".to_owned(), ready: true, ..Default::default() };
    healthy()
        .with_observation(60_000, ObservationKind::Node(bare))
        .assert_passes_with_finding(NewPodsRunOnAccelerators, "Ready on node rig-node");
}

#[test]
fn a_node_that_could_not_be_read_is_inconclusive() {
    let run = healthy().without(|o| matches!(o.kind, ObservationKind::Node(_)));
    run.assert_inconclusive(NewPodsRunOnAccelerators, "runs on node rig-node, which could not be read");
}

#[test]
fn a_pod_that_finds_no_accelerator_is_a_matter_of_capacity() {
    let message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.";
    never_ready(Some(("Unschedulable", message))).assert_inconclusive(
        NewPodsRunOnAccelerators,
        "(capacity) pod ollama-7fd697578d-fcd5l finds no free accelerator",
    );
    let nodes_unread =
        never_ready(Some(("Unschedulable", message))).without(|o| matches!(o.kind, ObservationKind::Node(_)));
    nodes_unread.assert_inconclusive(NewPodsRunOnAccelerators, "(capacity)");
    let claims = "0/1 nodes are available: 1 cannot allocate all claims.";
    never_ready(Some(("Unschedulable", claims))).assert_inconclusive(NewPodsRunOnAccelerators, "(capacity)");
}

#[test]
fn a_pod_whose_image_or_volume_does_not_come_is_the_workloads_matter() {
    for (reason, message) in [
        ("ImagePullBackOff", "Back-off pulling image"),
        ("CrashLoopBackOff", "back-off 10s restarting failed container"),
        ("Unschedulable", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
    ] {
        never_ready(Some((reason, message)))
            .assert_inconclusive(NewPodsRunOnAccelerators, "(workload) pod ollama-7fd697578d-fcd5l");
    }
    let event = EventSnapshot {
        object: format!("Pod/{SECOND}"),
        kind: "Warning".to_owned(),
        reason: "FailedMount".to_owned(),
        message: "MountVolume.SetUp failed".to_owned(),
        ..EventSnapshot::default()
    };
    never_ready(None)
        .with_observation(40_000, ObservationKind::Event(event))
        .assert_inconclusive(NewPodsRunOnAccelerators, "FailedMount");
}

#[test]
fn a_pod_that_does_not_start_without_a_reported_reason_fails() {
    never_ready(None).assert_fails(NewPodsRunOnAccelerators, "and neither its status nor an event says why");
}

#[test]
fn a_pod_that_runs_but_does_not_become_ready_is_the_workloads_matter() {
    let run = never_ready(None).pods(SECOND, |_, pod| pod.phase = "Running".to_owned());
    run.assert_inconclusive(NewPodsRunOnAccelerators, "(workload)");
}

#[test]
fn a_prerequisite_of_new_pods_on_accelerators_turns_fail_into_inconclusive() {
    never_ready(None)
        .pods(OLD, |_, pod| pod.extended_resources.clear())
        .assert_inconclusive(NewPodsRunOnAccelerators, "prerequisite Setup/PodsRequestAccelerators");
    never_ready(None)
        .written_by(SCALED_TO_2, "kubectl", "")
        .assert_inconclusive(NewPodsRunOnAccelerators, "prerequisite ScaleUp/ReplicasRise");
}

#[test]
fn pods_that_could_not_be_watched_are_not_a_fail() {
    let bare = healthy().each(|o| {
        if let ObservationKind::Node(node) = &mut o.kind {
            node.allocatable.clear();
        }
    });
    bare.gap("nodes", 10_000, 60_000).assert_inconclusive(NewPodsRunOnAccelerators, "the watch of nodes had a gap");
    never_ready(None)
        .gap("pods", 36_500, 70_000)
        .assert_inconclusive(NewPodsRunOnAccelerators, "the watch of pods had a gap");
}

#[test]
fn without_new_pods_the_check_is_inconclusive_within_bounded_time() {
    let run = slow_metric().without(|o| matches!(&o.kind, ObservationKind::Pod(p) if p.name != OLD));
    assert_ne!(run.evaluate(NewPodsRunOnAccelerators).status, CheckStatus::Pass);
    assert_eq!(run.result(), CaseResult::Inconclusive);
    let run = run.scenario(|s| s.assumptions.pod_start = HumanDuration::from_secs(10));
    let live =
        run.longer(73_000, 150_000).without(|o| matches!(o.kind, ObservationKind::Phase(m) if m.phase > Phase::Hold));
    let live = live.without(|o| o.at_ms > 220_000);
    assert_eq!(live.evaluate(NewPodsRunOnAccelerators).status, CheckStatus::Inconclusive);
}

#[test]
fn a_pod_that_only_replaced_the_old_one_adds_nothing() {
    // The old pod is deleted when the new one becomes Ready, so at most one is Ready.
    let run = healthy().without(|o| {
        matches!(&o.kind, ObservationKind::Pod(p) if p.name == THIRD)
            || o.at_ms > RISE && matches!(&o.kind, ObservationKind::Pod(p) if p.name == OLD)
    });
    let deleted = crate::model::observation::DeletedObject {
        kind: "Pod".to_owned(),
        name: OLD.to_owned(),
        uid: run.pod_at(OLD, RISE).uid,
    };
    run.with_observation(TWO_PODS, ObservationKind::PodDeleted(deleted))
        .assert_inconclusive(NewPodsRunOnAccelerators, "at the same time");
}

#[test]
fn new_pods_answer_and_receive_traffic() {
    healthy().assert_passes(NewPodsServe, "2 of 2 new pods answered their probe chat and receive traffic");
    healthy().assert_passes_with_finding(
        NewPodsServe,
        "0 bytes of the model are in accelerator memory, waived by accelerator: standIn",
    );
    real_accelerators().assert_passes_with_finding(
        NewPodsServe,
        "answered its probe chat with 16 tokens (67724288 of 67724288 bytes of the model are in accelerator memory, 100 %)",
    );
    healthy().assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
}

#[test]
fn chats_that_all_fail_are_not_served_however_busy_the_pods_are() {
    let all_fail = |from: u64| {
        healthy().loads(move |at, load| {
            if at >= from {
                let failures = FailureCount { count: load.succeeded, example: "connection reset".into() };
                (load.failed, load.succeeded) = (load.succeeded, 0);
                load.failures = [("read-body".to_owned(), failures)].into();
            }
        })
    };
    let silent = healthy().without(|o| matches!(o.kind, ObservationKind::Load(_)));
    assert_ne!(silent.evaluate(NewPodsServe).status, CheckStatus::Pass, "{}", silent.evaluate(NewPodsServe).reason);
    let run = all_fail(0);
    run.assert_inconclusive(NewPodsServe, "(workload) none of the ");
    run.assert_inconclusive(NewPodsServe, "succeeded: read-body: connection reset");
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn a_model_outside_the_accelerators_memory_fails_unless_it_is_a_stand_in() {
    real_accelerators().probes(|p| p.model_accelerator_bytes = Some(0)).assert_fails(
        NewPodsServe,
        "0 bytes of its model of 67724288 bytes are in accelerator memory (/api/ps): it computes on the CPU",
    );
    real_accelerators()
        .probes(|p| p.model_accelerator_bytes = None)
        .assert_inconclusive(NewPodsServe, "/api/ps does not report where its model is");
    let unread = real_accelerators().probes(|p| {
        (p.model_accelerator_bytes, p.placement_error) =
            (None, Some("ApiError: pods \"ollama\" is forbidden".to_owned()));
    });
    unread.assert_inconclusive(NewPodsServe, "could not be read: ApiError: pods \"ollama\" is forbidden");
}

#[test]
fn a_pod_that_does_not_answer_fails_where_the_service_answers() {
    probe_fails(Some(500), false).assert_fails(NewPodsServe, "does not answer its probe chat");
    probe_fails(Some(404), false)
        .assert_inconclusive(NewPodsServe, "(workload) pod ollama-7fd697578d-fcd5l refuses the chat");
    probe_fails(None, true).assert_inconclusive(NewPodsServe, "was not delivered by the pod proxy");
    probe_fails(Some(500), false)
        .loads(|_, load| load.succeeded = 0)
        .assert_inconclusive(NewPodsServe, "no pod answers any chat");
    let failing = |kind: &str, from: u64| {
        let failures = FailureCount { count: 3, example: "HTTP 500: runner terminated".into() };
        let run = probe_fails(Some(500), false).probes(|probe| probe.error = Some("http-5xx: HTTP 500: again".into()));
        run.loads(|at, load| {
            if at >= from {
                (load.failed, load.failures) = (3, [(kind.to_owned(), failures.clone())].into());
            }
        })
    };
    let before = "(workload) 3 chats failed as http-5xx before pod ollama-7fd697578d-fcd5l was Ready";
    failing("http-5xx", 0).assert_inconclusive(NewPodsServe, before);
    failing("truncated", 0).assert_fails(NewPodsServe, "does not answer its probe chat");
    failing("http-5xx", TWO_PODS + 20_000).assert_fails(NewPodsServe, "does not answer its probe chat");
}

#[test]
fn a_pod_that_crashed_or_was_deleted_during_its_probe_is_not_a_fail() {
    let mut crashed = healthy().pod_at(SECOND, 37_300);
    crashed.restarts = 1;
    probe_fails(Some(502), false)
        .probes(repair_third)
        .with_observation(37_800, ObservationKind::Pod(crashed))
        .assert_inconclusive(NewPodsServe, "(workload)");
    let mut terminating = healthy().pod_at(SECOND, 37_300);
    terminating.deleting = true;
    let run =
        probe_fails(Some(502), false).probes(repair_third).with_observation(37_800, ObservationKind::Pod(terminating));
    assert_eq!(run.result(), CaseResult::Inconclusive, "{}", run.verdict().reason);
}

#[test]
fn a_pod_that_was_not_probed_is_inconclusive() {
    let run = healthy().without(|o| matches!(&o.kind, ObservationKind::Probe(p) if p.pod == THIRD));
    run.assert_inconclusive(NewPodsServe, "pod ollama-7fd697578d-lb9np was not probed under load");
    healthy()
        .probes(|p| {
            if p.pod == THIRD {
                p.began_ms = FALL + 10
            }
        })
        .assert_inconclusive(NewPodsServe, "was not probed under load");
}

#[test]
fn a_ready_endpoint_that_receives_none_of_many_connections_fails() {
    idle_second().assert_fails(NewPodsServe, "shows no traffic after");
}

#[test]
fn noise_is_no_traffic() {
    // A tenth of the target is 6.
    let at = |milli: i64| {
        idle_second().each(move |o| {
            if let ObservationKind::Metric(reading) = &mut o.kind {
                super::run_fixture::edit_samples(&mut reading.result, |sample| {
                    if sample.object.as_deref() == Some(SECOND) && reading.requested_ms > RISE {
                        sample.value = Some(Milli(milli));
                    }
                });
            }
        })
    };
    at(6_000).assert_fails(NewPodsServe, "shows no traffic after");
    at(6_001).assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
}

#[test]
fn too_few_connections_or_a_pod_that_is_no_endpoint_are_not_a_fail() {
    idle_second()
        .loads(|_, load| load.answered_connections /= 100)
        .assert_inconclusive(NewPodsServe, "shows no traffic after");
    let out = idle_second().each(|o| {
        if let ObservationKind::Endpoints(e) = &mut o.kind {
            e.ready_pods.retain(|pod| pod != SECOND)
        }
    });
    out.assert_inconclusive(NewPodsServe, "shows no traffic after");
    let misses = idle_second().each(|o| match &mut o.kind {
        ObservationKind::Endpoints(e) if o.at_ms < CLEANUP => {
            e.selector.insert("role".to_owned(), "leader".to_owned());
        }
        _ => {}
    });
    misses.assert_inconclusive(NewPodsServe, "misses pod ollama-7fd697578d-fcd5l");
}

#[test]
fn connections_that_the_metric_cannot_show_yet_do_not_count() {
    // The metric lag of this run is 7 s, doubled 14 s.
    let at_last = |before_end_ms: u64| {
        idle_second().loads(move |at, load| {
            if at < FALL - before_end_ms {
                load.answered_connections /= 100;
            }
        })
    };
    at_last(12_000).assert_inconclusive(NewPodsServe, "shows no traffic after");
    at_last(20_000).assert_fails(NewPodsServe, "shows no traffic after");
}

/// An exporter with a longer interval than assumed may have no sample of a busy pod yet.
#[test]
fn a_metric_that_was_not_seen_to_be_sampled_often_enough_is_not_a_fail() {
    fn others(value: fn(u64) -> i64) -> RunFixture {
        idle_second().each(move |o| {
            let at_ms = o.at_ms;
            if let ObservationKind::Metric(reading) = &mut o.kind {
                super::run_fixture::edit_samples(&mut reading.result, |sample| {
                    if sample.object.as_deref() != Some(SECOND) {
                        sample.value = Some(Milli(value(at_ms)));
                    }
                });
            }
        })
    }
    fn busy(at_ms: u64) -> i64 {
        i64::from(at_ms > RISE) * 90_000
    }
    others(busy).assert_inconclusive(NewPodsServe, "its sampling interval is unknown");
    others(|at_ms| busy(at_ms) + i64::from(at_ms > 60_000))
        .assert_inconclusive(NewPodsServe, "its metric changes every 3");
    others(|at_ms| busy(at_ms) + i64::from(at_ms > 40_000))
        .assert_inconclusive(NewPodsServe, "the samples may have missed its share");
    // A single pair of changes that are close shows no interval.
    let flicker = others(|at_ms| busy(at_ms) + i64::from(at_ms > 40_000)).each(|o| {
        let is_time = (41_000..42_500).contains(&o.at_ms);
        if let ObservationKind::Metric(reading) = &mut o.kind
            && reading.hop == MetricHop::Api
            && is_time
        {
            super::run_fixture::edit_samples(&mut reading.result, |sample| {
                if sample.object.as_deref() == Some(OLD) {
                    sample.value = Some(Milli(95_000));
                }
            });
        }
    });
    flicker.assert_inconclusive(NewPodsServe, "the samples may have missed its share");
    let often = |at_ms: u64| busy(at_ms) + i64::from(at_ms > RISE && (at_ms / 2000).is_multiple_of(2));
    others(often).assert_fails(NewPodsServe, "shows no traffic after");
}

#[test]
fn few_connections_are_pending_under_load_but_not_for_ever() {
    let few = || idle_second().loads(|_, load| load.answered_connections /= 100);
    let state_at = |run: RunFixture, at_ms: u64| run.without(|o| o.at_ms >= at_ms).evaluate(NewPodsServe).status;
    assert_eq!(state_at(few(), FALL - 500), CheckStatus::Pending, "chance may explain it");
    assert_eq!(state_at(idle_second(), FALL - 500), CheckStatus::Fail, "chance does not explain it");
    let longer = few().longer(FALL - 1000, 300_000);
    assert_eq!(state_at(longer, FALL + 299_500), CheckStatus::Inconclusive, "each worker has opened a connection");
}

#[test]
fn a_pod_that_is_scaled_down_at_once_is_excused_where_another_shows_traffic() {
    let idle = || {
        healthy().each(|o| {
            if let ObservationKind::Metric(reading) = &mut o.kind {
                super::run_fixture::edit_samples(&mut reading.result, |sample| {
                    if sample.object.as_deref() == Some(THIRD) {
                        sample.value = Some(Milli(0));
                    }
                });
            }
        })
    };
    let deleted = |run: RunFixture| {
        let terminating = PodSnapshot { deleting: true, ..run.pod_at(THIRD, 58_000) };
        run.with_observation(58_000, ObservationKind::Pod(terminating))
    };
    let scaled_down = |run: RunFixture| deleted(run).resized_by(57_900, 2, "kube-controller-manager", "scale");
    // The check alone, without its prerequisites.
    let evaluate =
        |run: RunFixture| run.with_evaluator(|evaluator| Check::NewPodsServe.evaluate_alone(evaluator.view()));
    assert_eq!(evaluate(idle()).status, CheckStatus::Inconclusive);
    assert_eq!(evaluate(deleted(idle())).status, CheckStatus::Inconclusive, "the target was not scaled down");
    let result = evaluate(scaled_down(idle()));
    let is_excused =
        result.findings.iter().any(|finding| finding.contains("too soon to show its share of the traffic"));
    assert_eq!((result.status, is_excused), (CheckStatus::Pass, true), "{}", result.reason);
    let not_probed = scaled_down(idle()).without(|o| matches!(&o.kind, ObservationKind::Probe(p) if p.pod == THIRD));
    assert_eq!(evaluate(not_probed).status, CheckStatus::Inconclusive, "only its traffic is excused");
    let three = evaluate(scaled_down(idle()).scenario(|s| s.expect.replicas = Some(3)));
    assert_eq!(three.status, CheckStatus::Inconclusive, "{}", three.reason);
}

#[test]
fn a_pod_whose_activity_cannot_be_read_is_inconclusive() {
    let run = idle_second().each(|o| {
        if let ObservationKind::Metric(reading) = &mut o.kind
            && let ReadingResult::Samples(samples) = &mut reading.result
        {
            samples.retain(|sample| sample.object.as_deref() != Some(SECOND) || reading.requested_ms < RISE);
        }
    });
    run.assert_inconclusive(NewPodsServe, "no readable hop has a series of pod ollama-7fd697578d-fcd5l");
    // Not read for most of the time, in which it may have received traffic.
    let seldom = idle_second().without(|o| matches!(o.kind, ObservationKind::Metric(_)) && !is_api_reading(o));
    let seldom = seldom.readings(MetricHop::Api, 50_000, 70_000, |result| {
        if let ReadingResult::Samples(samples) = result {
            samples.retain(|sample| sample.object.as_deref() != Some(SECOND));
        }
    });
    seldom.assert_inconclusive(NewPodsServe, "shows no traffic after");
}

#[test]
fn activity_while_a_probe_may_show_in_it_is_no_traffic() {
    let run = healthy().each(|o| {
        let at = o.at_ms;
        if let ObservationKind::Metric(reading) = &mut o.kind {
            super::run_fixture::edit_samples(&mut reading.result, |s| {
                if s.object.as_deref() == Some(SECOND) && at > 47_000 {
                    s.value = Some(Milli(0));
                }
            });
        }
    });
    assert_ne!(run.evaluate(NewPodsServe).status, CheckStatus::Pass, "its activity until 47 s may be the probe's");
}

#[test]
fn new_pods_serve_needs_their_accelerators() {
    recorded("one-gpu").assert_inconclusive(NewPodsServe, "prerequisite ScaleUp/NewPodsRunOnAccelerators");
    probe_fails(Some(500), false)
        .without(|o| matches!(o.kind, ObservationKind::Node(_)))
        .assert_inconclusive(NewPodsServe, "prerequisite ScaleUp/NewPodsRunOnAccelerators");
}

/// The controller leaves the target at one replica although the metric recommends more, under load for long enough.
pub(super) fn stays_at_one() -> RunFixture {
    let run = slow_metric().without(|o| {
        let pod = matches!(&o.kind, ObservationKind::Pod(p) if p.name != OLD)
            || matches!(o.kind, ObservationKind::Probe(_) | ObservationKind::PodDeleted(_));
        o.at_ms > 33_000 && (pod || matches!(o.kind, ObservationKind::Event(_) | ObservationKind::Hpa(_)))
    });
    let run = run.workloads(|at, w| {
        if at > RISE {
            (w.spec_replicas, w.replicas, w.ready_replicas, w.generation) = (1, 1, 1, Some(1));
        }
    });
    run.readings(MetricHop::Api, 33_000, FALL, |result| {
        if let ReadingResult::Samples(samples) = result {
            samples.retain(|sample| sample.object.as_deref() == Some(OLD));
        }
    })
    .ended_at(FALL)
}

/// The second pod never becomes Ready, for this reason, in a hold that lasts long enough.
pub(super) fn never_ready(trouble: Option<(&str, &str)>) -> RunFixture {
    let run = slow_metric().workloads(|at, w| {
        if at >= SCALED_TO_3 {
            (w.spec_replicas, w.replicas, w.generation) = (2, 2, Some(2));
        }
    });
    let run = run.without(|o| match &o.kind {
        ObservationKind::Event(event) if event.component == "kubelet" && o.at_ms > RISE => true,
        ObservationKind::Hpa(_) | ObservationKind::Event(_) => o.at_ms >= SCALED_TO_3,
        ObservationKind::Pod(pod) => pod.name == THIRD,
        _ => false,
    });
    let run = run.scenario(|s| s.assumptions.pod_start = HumanDuration::from_secs(10)).pods(SECOND, |_, pod| {
        pod.ready = false;
        pod.phase = "Pending".to_owned();
        pod.not_running = trouble
            .map(|(reason, message)| NotRunningReason { reason: reason.to_owned(), message: message.to_owned() });
    });
    run.without(|o| matches!(&o.kind, ObservationKind::Probe(p) if p.pod == SECOND)).ended_at(FALL)
}

fn probe_fails(status: Option<u16>, not_delivered: bool) -> RunFixture {
    healthy().probes(|probe| {
        probe.error = Some("it went wrong".to_owned());
        probe.status = status;
        probe.not_delivered = not_delivered;
    })
}

fn repair_third(probe: &mut crate::model::observation::ProbeRecord) {
    if probe.pod == THIRD {
        (probe.error, probe.status) = (None, Some(200));
    }
}

/// The second pod is idle for long enough although connections are many.
pub(super) fn idle_second() -> RunFixture {
    let run = healthy().each(|o| {
        if let ObservationKind::Metric(reading) = &mut o.kind {
            super::run_fixture::edit_samples(&mut reading.result, |s| {
                if s.object.as_deref() == Some(SECOND) {
                    s.value = Some(Milli(0));
                }
            });
        }
    });
    run.loads(|_, load| load.answered_connections *= 100)
}

fn ambiguous() -> ObjectCondition {
    ObjectCondition {
        kind: "ScalingActive".to_owned(),
        status: "False".to_owned(),
        reason: "AmbiguousSelector".to_owned(),
        ..ObjectCondition::default()
    }
}

fn scale_up(s: &mut crate::model::scenario::Scenario) -> &mut k8s_openapi::api::autoscaling::v2::HPAScalingRules {
    s.hpa.spec.behavior.as_mut().unwrap().scale_up.as_mut().unwrap()
}

/// With an Object metric too, the activity of a pod must exceed noise.
#[test]
fn noise_is_no_traffic_whatever_the_metric_is_of() {
    let quiet = |level: i64| {
        let set = move |result: &mut ReadingResult| {
            edit_samples(result, |sample| {
                if matches!(sample.object.as_deref(), Some(SECOND | THIRD)) {
                    sample.value = Some(Milli(level));
                }
            });
        };
        let run = object_metric().readings(MetricHop::Exporter, 0, u64::MAX, set).readings(
            MetricHop::Store,
            0,
            u64::MAX,
            set,
        );
        // The check alone: its prerequisites would fail, since the recorded conditions and events are those of a Pods
        // metric.
        Check::NewPodsServe.evaluate_alone(Evaluator::new(run.records()).view())
    };
    assert!(quiet(50_000).has_status(CheckStatus::Pass), "{}", quiet(50_000).reason);
    assert!(!quiet(1_000).has_status(CheckStatus::Pass), "{}", quiet(1_000).reason);
}
