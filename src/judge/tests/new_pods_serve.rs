//! ScaleUp/NewPodsServe: long first chats, pods that are replaced, models on the CPU.

use super::run_fixture::{FALL, OLD, RunFixture, SECOND, THIRD, edit_samples, healthy, real_accelerators};
use crate::judge::Check::{NewPodsServe, PodsRequestAccelerators};
use crate::judge::{CheckResult, CheckStatus};
use crate::model::observation::{DeletedObject, NotRunningReason, ObservationKind, PodSnapshot, ProbeRecord};
use crate::model::reading::MetricHop;
use crate::units::Milli;

/// The check alone, without its prerequisites.
fn evaluate(run: &RunFixture) -> CheckResult {
    run.with_evaluator(|evaluator| NewPodsServe.evaluate_alone(evaluator.view()))
}

/// The direct chat to the second pod ends at this time: it loads the model.
fn with_long_chat(run: RunFixture, ended_ms: u64) -> RunFixture {
    let is_second = |kind: &ObservationKind| matches!(kind, ObservationKind::Probe(probe) if probe.pod == SECOND);
    let chat = run.timeline.iter().find(|o| is_second(&o.kind)).unwrap().kind.clone();
    run.without(|o| is_second(&o.kind)).with_observation(ended_ms, chat)
}

#[test]
fn a_chat_that_loads_the_model_covers_the_traffic_and_says_so() {
    let run = with_long_chat(healthy(), FALL - 1000);
    run.assert_inconclusive(NewPodsServe, "lies within the direct chat to it or within the metric lag after it");
    run.assert_inconclusive(NewPodsServe, "and the load ended 1.0s after it: too soon to show the traffic");
}

#[test]
fn the_run_waits_for_traffic_that_shows_after_a_long_chat() {
    let run = with_long_chat(healthy().longer(FALL - 1000, 120_000), FALL + 90_000);
    let run = run.readings(MetricHop::Api, FALL, FALL + 118_000, |result| {
        edit_samples(result, |sample| sample.value = Some(Milli(90_000)));
    });
    let at = |at_ms: u64| evaluate(&run.clone().without(|o| o.at_ms >= at_ms));
    assert_eq!(at(FALL + 91_000).status, CheckStatus::Pending, "the chat covers all readings so far");
    let later = at(FALL + 118_000);
    assert_eq!(later.status, CheckStatus::Pass, "{}", later.reason);
}

/// The second pod ends 6 s after it was Ready, without a share of the traffic.
fn second_ends(change: fn(&mut PodSnapshot)) -> RunFixture {
    let run = healthy().each(|o| {
        if let ObservationKind::Metric(reading) = &mut o.kind {
            edit_samples(&mut reading.result, |sample| {
                if sample.object.as_deref() == Some(SECOND) {
                    sample.value = Some(Milli(0));
                }
            });
        }
    });
    let mut last = run.pod_at(SECOND, 43_000);
    change(&mut last);
    let run = run.without(|o| o.at_ms > 43_000 && matches!(&o.kind, ObservationKind::Pod(pod) if pod.name == SECOND));
    run.each(|o| {
        if let ObservationKind::Endpoints(endpoints) = &mut o.kind
            && o.at_ms > 43_000
        {
            endpoints.ready_pods.retain(|pod| pod != SECOND);
        }
    })
    .with_observation(43_000, ObservationKind::Pod(last))
}

/// The third pod is created at once in place of the second one, and not by the scale-up.
fn with_replacement(run: RunFixture) -> RunFixture {
    let first = run.timeline.iter().find_map(|o| match &o.kind {
        ObservationKind::Pod(pod) if pod.name == THIRD => Some(pod.clone()),
        _ => None,
    });
    run.with_observation(43_100, ObservationKind::Pod(first.unwrap()))
}

#[test]
fn a_pod_that_was_deleted_or_evicted_is_named_and_its_replacement_is_evaluated() {
    let changes: [fn(&mut PodSnapshot); 2] =
        [|pod| pod.deleting = true, |pod| (pod.phase, pod.ready) = ("Failed".to_owned(), false)];
    for change in changes {
        let added = evaluate(&second_ends(change));
        assert_eq!(added.status, CheckStatus::Inconclusive, "the scale-up adds the third pod: {}", added.reason);
        let run = with_replacement(second_ends(change));
        let result = evaluate(&run);
        let text = format!("(deleted, evicted or preempted), and pod {THIRD} replaced it");
        let is_named = result.findings.iter().any(|finding| finding.contains(&text));
        assert_eq!((result.status, is_named), (CheckStatus::Pass, true), "{} {:?}", result.reason, result.findings);
        let unprobed = run.clone().without(|o| matches!(&o.kind, ObservationKind::Probe(p) if p.pod == SECOND));
        assert_eq!(evaluate(&unprobed).status, CheckStatus::Pass, "it ended before its probe");
        // One pod more must serve than the replacement.
        let three = evaluate(&run.clone().scenario(|s| s.expect.replicas = Some(3)));
        assert_eq!(three.status, CheckStatus::Inconclusive, "{}", three.reason);
        // Without a replacement, and where the autoscaler removed it.
        let alone = run.clone().without(|o| matches!(&o.kind, ObservationKind::Pod(pod) if pod.name == THIRD));
        assert_eq!(evaluate(&alone).status, CheckStatus::Inconclusive);
        let scaled = unprobed.resized_by(43_000, 1, "kube-controller-manager", "scale");
        assert_eq!(evaluate(&scaled).status, CheckStatus::Inconclusive);
    }
}

#[test]
fn a_chat_that_breaks_off_with_its_container_is_no_fail() {
    let is_second = |kind: &ObservationKind| matches!(kind, ObservationKind::Probe(probe) if probe.pod == SECOND);
    let chat = ProbeRecord {
        pod: SECOND.to_owned(),
        began_ms: 40_000,
        status: Some(200),
        error: Some("reset: connection reset by peer".to_owned()),
        ..ProbeRecord::default()
    };
    let run = healthy().without(|o| is_second(&o.kind)).with_observation(42_000, ObservationKind::Probe(chat));
    let text = format!("pod {SECOND} does not answer its probe chat: reset");
    let result = evaluate(&run);
    assert!(result.status == CheckStatus::Fail && result.reason.contains(&text), "{}", result.reason);
    let killed_at = |at_ms: u64| {
        let reason = NotRunningReason { reason: "OOMKilled".to_owned(), message: "ollama exited with 137".to_owned() };
        let pod = PodSnapshot { ready: false, not_running: Some(reason), ..run.pod_at(SECOND, 42_000) };
        evaluate(&run.clone().with_observation(at_ms, ObservationKind::Pod(pod)))
    };
    for at_ms in [41_900, 42_100, 44_900] {
        let result = killed_at(at_ms);
        let text =
            format!("(workload) a container of pod {SECOND} ended during its probe: OOMKilled: ollama exited with");
        assert!(result.status == CheckStatus::Inconclusive && result.reason.starts_with(&text), "{}", result.reason);
    }
    assert_eq!(killed_at(46_000).status, CheckStatus::Fail, "long after it");
    // The pod lives on where only the server's runner lacks memory.
    let lacking = run.clone().probes(|probe| {
        if probe.error.is_some() {
            let error = "HTTP 500: model requires more system memory (2.7 GiB) than is available (2.3 GiB)";
            (probe.status, probe.error) = (Some(500), Some(error.to_owned()));
        }
    });
    let result = evaluate(&lacking);
    let text =
        format!("(workload) pod {SECOND} lacks memory for the model: HTTP 500: model requires more system memory");
    assert!(result.status == CheckStatus::Inconclusive && result.reason.starts_with(&text), "{}", result.reason);
    let now = |at_ms: u64| evaluate(&run.clone().without(|o| o.at_ms > at_ms)).status;
    assert_eq!([now(43_000), now(46_000)], [CheckStatus::Pending, CheckStatus::Fail]);
}

#[test]
fn an_error_of_the_server_that_names_its_own_limits_is_no_fail() {
    let answered = |status: u16, error: &str| {
        healthy().probes(|probe| {
            if probe.pod == SECOND {
                (probe.status, probe.error) = (Some(status), Some(error.to_owned()));
            }
        })
    };
    let memory = "HTTP 500: model requires more system memory (2.7 GiB) than is available (2.3 GiB)";
    answered(500, memory).assert_inconclusive(
        NewPodsServe,
        "(workload) pod ollama-7fd697578d-fcd5l lacks memory for the model: HTTP 500: model requires more system memory",
    );
    let busy = "HTTP 503: server busy, please try again.  maximum pending requests exceeded";
    answered(503, busy)
        .assert_inconclusive(NewPodsServe, "(workload) pod ollama-7fd697578d-fcd5l refuses the chat: HTTP 503");
    answered(500, "HTTP 500: CUDA error: no CUDA-capable device is detected")
        .assert_fails(NewPodsServe, "does not answer its probe chat: HTTP 500: CUDA error");
}

#[test]
fn a_pod_that_replaces_one_of_its_name_is_sent_a_chat_of_its_own() {
    let run = second_ends(|pod| pod.deleting = true);
    let unprobed = |run: &RunFixture| run.with_evaluator(|evaluator| evaluator.view().unprobed_pods());
    assert_eq!(unprobed(&run), Vec::<String>::new());
    let uid = run.pod_at(SECOND, 43_000).uid;
    let deleted = DeletedObject { kind: "Pod".to_owned(), name: SECOND.to_owned(), uid };
    let again = PodSnapshot { uid: "again".to_owned(), deleting: false, ready: true, ..run.pod_at(SECOND, 43_000) };
    let run = run.with_observation(44_000, ObservationKind::PodDeleted(deleted));
    let run = run.with_observation(50_000, ObservationKind::Pod(again));
    assert_eq!(unprobed(&run), [SECOND]);
    let chat = ProbeRecord { pod: SECOND.to_owned(), began_ms: 50_100, ..ProbeRecord::default() };
    assert_eq!(unprobed(&run.with_observation(51_000, ObservationKind::Probe(chat))), Vec::<String>::new());
}

#[test]
fn a_model_that_the_first_pod_computes_on_the_cpu_ends_the_run_with_its_cause() {
    let first_chat = |bytes: Option<u64>| {
        let chat = ProbeRecord {
            status: Some(200),
            tokens: 16,
            model_bytes: bytes.map(|_| 1000),
            model_accelerator_bytes: bytes,
            ..ProbeRecord::default()
        };
        let is_first = |kind: &ObservationKind| matches!(kind, ObservationKind::Probe(probe) if probe.pod.is_empty());
        move |run: RunFixture| {
            run.without(|o| is_first(&o.kind)).with_observation(5000, ObservationKind::Probe(chat.clone()))
        }
    };
    let on_cpu = first_chat(Some(0))(real_accelerators());
    let text = "(workload) after the first chat 0 bytes of its model of 1000 bytes are in accelerator memory (/api/ps)";
    on_cpu.assert_inconclusive(PodsRequestAccelerators, text);
    assert!(on_cpu.clone().without(|o| o.at_ms > 6000).with_evaluator(|evaluator| evaluator.is_settled()));
    for (bytes, run) in [(Some(1000), real_accelerators()), (None, real_accelerators()), (Some(0), healthy())] {
        let result = first_chat(bytes)(run).evaluate(PodsRequestAccelerators);
        assert_eq!(result.status, CheckStatus::Pass, "{bytes:?}: {}", result.reason);
    }
    assert!(healthy().pod_at(OLD, 5000).ready);
}
