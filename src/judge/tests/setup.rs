//! Setup/PodsRequestAccelerators, Setup/MetricServed, Setup/AutoscalerActive.

use super::run_fixture::{
    CLEANUP, HPA_CREATED_MS, IDLE, OLD, edit_samples, healthy, is_phase, phase_began, real_accelerators, recorded,
    slow_metric,
};
use crate::judge::{Check, CheckStatus, judge};
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, JournalEntry, ReleaseRef, RunChange};
use crate::model::metric_profile::MetricProfile;
use crate::model::observation::{
    EventSnapshot, NotRunningReason, ObjectCondition, Observation, ObservationKind, Phase, PhaseChange, PhaseEdge,
};
use crate::model::reading::{MetricHop, MetricReading, ReadingResult};
use crate::model::run_records::RunRecords;
use crate::model::scenario::{Accelerator, Scenario};
use crate::model::verdict::CaseResult;
use crate::units::{HumanDuration, Milli};

use Check::{AutoscalerActive, MetricServed, PodsRequestAccelerators};

#[test]
fn pods_with_an_extended_resource_or_a_claim_request_an_accelerator() {
    healthy().assert_passes(PodsRequestAccelerators, "all 3 pods of the target request nvidia.com/gpu=1");
    real_accelerators().assert_passes(PodsRequestAccelerators, "nvidia.com/gpu=1");
    let claims = healthy().each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind {
            pod.extended_resources.clear();
            pod.resource_claims = vec![format!("{}-gpu", pod.name)];
        }
    });
    claims.assert_passes(PodsRequestAccelerators, "claim ollama-7fd697578d-dfk6s-gpu");
}

#[test]
fn a_pod_without_an_accelerator_is_inconclusive_and_named() {
    let run = healthy().pods(OLD, |_, pod| pod.extended_resources.clear());
    run.assert_inconclusive(PodsRequestAccelerators, "pod ollama-7fd697578d-dfk6s requests no accelerator");
    run.assert_inconclusive(Check::NewPodsRunOnAccelerators, "prerequisite Setup/PodsRequestAccelerators");
    let other = healthy().scenario(|s| s.accelerator = Accelerator::Resource("amd.com/gpu".to_owned()));
    other.assert_inconclusive(PodsRequestAccelerators, "extended resources: nvidia.com/gpu=1; resource claims: none");
    other.assert_inconclusive(PodsRequestAccelerators, "for example amd.com/gpu: 1");
    let failing =
        recorded("hpa-controller-off").pods("ollama-7fd697578d-26bxj", |_, pod| pod.extended_resources.clear());
    failing.assert_inconclusive(AutoscalerActive, "requests no accelerator");
}

#[test]
fn with_a_profile_only_its_resources_are_accelerators() {
    let with = |resources: &[&str]| {
        healthy().scenario(|s| {
            let accelerator_resources = resources.iter().map(ToString::to_string).collect();
            let profile = MetricProfile { name: "own".to_owned(), accelerator_resources, ..MetricProfile::default() };
            s.metric.profile = Some(profile);
        })
    };
    for resources in [&["nvidia.com/gpu"][..], &["amd.com/gpu", "nvidia.com/*"], &[]] {
        with(resources).assert_passes(PodsRequestAccelerators, "request nvidia.com/gpu=1");
        with(resources).assert_passes(Check::NewPodsRunOnAccelerators, "Ready on nodes with accelerators");
    }
    let other = with(&["amd.com/slice-*", "amd.com/gpu"]);
    other.assert_inconclusive(
        PodsRequestAccelerators,
        "requests no accelerator of profile own, amd.com/slice-* or amd.com/gpu (extended resources: nvidia.com/gpu=1",
    );
    other.assert_inconclusive(
        PodsRequestAccelerators,
        "if nvidia.com/gpu is one, profile own is not that of its exporter: set metric.profile to dcgm or hami, or state \
         accelerator: nvidia.com/gpu",
    );
    let unknown = other.clone().pods(OLD, |_, pod| pod.extended_resources = [("a.example/chip".to_owned(), 1)].into());
    unknown.assert_inconclusive(
        PodsRequestAccelerators,
        "name another metric.profile, or state accelerator: a.example/chip",
    );
    let bare = other.clone().pods(OLD, |_, pod| pod.extended_resources.clear());
    bare.assert_inconclusive(PodsRequestAccelerators, "give its container a limit, for example amd.com/gpu: 1");
    // A named resource is what it names, and a resource claim has no name to compare.
    let profile = other.scenario.metric.profile.clone();
    let named = real_accelerators().scenario(|s| s.metric.profile = profile);
    named.assert_passes(PodsRequestAccelerators, "nvidia.com/gpu=1");
    let claims = other.each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind {
            pod.resource_claims = vec![format!("{}-gpu", pod.name)];
        }
    });
    claims.assert_passes(PodsRequestAccelerators, "claim ollama-7fd697578d-dfk6s-gpu");
}

#[test]
fn pods_that_cannot_be_read_are_inconclusive_within_bounded_time() {
    let blind = healthy().without(|o| matches!(o.kind, ObservationKind::Pod(_) | ObservationKind::PodDeleted(_)));
    let blind = blind.scenario(|s| s.assumptions.pod_start = HumanDuration::from_secs(1));
    blind.assert_inconclusive(PodsRequestAccelerators, "no pod of the target was observed");
}

#[test]
fn an_empty_selector_selects_nothing() {
    let run = healthy().workloads(|_, workload| workload.selector.clear());
    assert_eq!(run.result(), CaseResult::Inconclusive);
    assert_ne!(run.evaluate(PodsRequestAccelerators).status, CheckStatus::Pass);
}

#[test]
fn the_metric_is_served_when_it_is_served_before_the_hpa_exists() {
    healthy().assert_passes(MetricServed, "the metrics API serves the Pods metric gpu_utilization");
    let late = healthy().api_fails(0, HPA_CREATED_MS);
    late.assert_inconclusive(
        MetricServed,
        "first broken hop: metrics API: 404; the metric is present at the exporter and the store",
    );
    late.assert_inconclusive(AutoscalerActive, "prerequisite Setup/MetricServed");
}

#[test]
fn the_first_broken_hop_is_named() {
    let no_exporter =
        healthy().api_fails(0, HPA_CREATED_MS).readings(MetricHop::Exporter, 0, HPA_CREATED_MS, |result| {
            edit_samples(result, |sample| sample.object = None);
        });
    no_exporter
        .assert_inconclusive(MetricServed, "first broken hop: exporter: 4 series, none of them of a pod of the target");
    let bad_page = healthy().api_fails(0, HPA_CREATED_MS).readings(MetricHop::Exporter, 0, HPA_CREATED_MS, |result| {
        let error = crate::metrics::exposition::parse_samples(b"u{} 1\ns x", "u", &Default::default()).unwrap_err();
        *result = ReadingResult::Failed(format!("exporter-1: {error}"));
    });
    bad_page
        .assert_inconclusive(MetricServed, "Prometheus drops the whole page; leave that line out of the exporter's");
    // Another exporter pod has a good page without the target's pods, which is recorded after the failure.
    let failure = healthy().timeline.iter().find_map(|o| match &o.kind {
        ObservationKind::Metric(reading) if reading.hop == MetricHop::Exporter => Some(reading.clone()),
        _ => None,
    });
    let failure = failure.map(|reading| MetricReading {
        result: ReadingResult::Failed("exporter-1: line 2 is not Prometheus text: x".to_owned()),
        ..reading
    });
    let one_bad_page = no_exporter.with_observation(IDLE - 8000, ObservationKind::Metric(failure.unwrap()));
    one_bad_page.assert_inconclusive(MetricServed, "exporter-1: line 2 is not Prometheus text: x; leave that line out");
    let no_store = healthy()
        .api_fails(0, HPA_CREATED_MS)
        .readings(MetricHop::Store, 0, HPA_CREATED_MS, |a| *a = ReadingResult::Samples(Vec::new()));
    no_store
        .assert_inconclusive(MetricServed, "first broken hop: store: no series; the metric is present at the exporter");
    let unreadable = healthy().api_fails(0, HPA_CREATED_MS).each(|o| {
        if let ObservationKind::Metric(reading) = &mut o.kind
            && reading.hop != MetricHop::Api
        {
            reading.result = ReadingResult::NotReadable("forbidden".to_owned());
        }
    });
    unreadable.assert_inconclusive(MetricServed, "first broken hop: metrics API: 404");
}

/// Each hop has its own next step.
#[test]
fn the_next_step_is_named_for_the_broken_hop() {
    let api = |why: &str| {
        let result = ReadingResult::Failed(why.to_owned());
        healthy().readings(MetricHop::Api, 0, u64::MAX, |a| *a = result.clone())
    };
    api("404: 404 page not found")
        .assert_inconclusive(MetricServed, "; no APIService serves custom.metrics.k8s.io: install a metrics adapter");
    api("503 ServiceUnavailable: x")
        .assert_inconclusive(MetricServed, "check the pods behind APIService v1beta1.custom.metrics.k8s.io");
    api("404 NotFound: x")
        .assert_inconclusive(MetricServed, "resources.overrides, which must map the namespace and pod labels");
    let renamed =
        ReadingResult::Failed("no series of u, but 1: the store scrapes without honorLabels: true".to_owned());
    let store = api("404 NotFound: x").readings(MetricHop::Store, 0, HPA_CREATED_MS, |a| *a = renamed.clone());
    store.assert_inconclusive(MetricServed, "first broken hop: store: no series of u");
    store.assert_inconclusive(MetricServed, "map the exported_* labels in the adapter's rule");
    let gone = ReadingResult::Failed("no running pod".to_owned());
    api("404 NotFound: x")
        .readings(MetricHop::Exporter, 0, HPA_CREATED_MS, |a| *a = gone.clone())
        .assert_inconclusive(MetricServed, "metric.exporter");
}

/// The run ended before the HPA's creation: later readings of the hops show the clean-up.
#[test]
fn a_hop_that_the_clean_up_removed_is_not_the_broken_one() {
    let mut ended = healthy().api_fails(0, u64::MAX).with_observation(HPA_CREATED_MS, phase_began(Phase::Cleanup));
    ended.journal.clear();
    let ended = ended.readings(MetricHop::Exporter, HPA_CREATED_MS + 1, u64::MAX, |result| {
        edit_samples(result, |sample| sample.object = None);
    });
    ended.assert_inconclusive(
        MetricServed,
        "first broken hop: metrics API: 404; the metric is present at the exporter and the store",
    );
}

/// The run ended in its install phase, and the clean-up has deleted the pod.
#[test]
fn a_pod_that_never_ran_is_named_with_the_kubelets_reason() {
    let mut run = healthy()
        .api_fails(0, u64::MAX)
        .without(|o| matches!(o.kind, ObservationKind::Phase(_)))
        .with_observation(HPA_CREATED_MS, phase_began(Phase::Cleanup));
    run.journal.clear();
    let trouble = |at: u64| {
        (at < HPA_CREATED_MS - 500)
            .then(|| NotRunningReason { reason: "CrashLoopBackOff".into(), message: "back-off".into() })
    };
    let run = run.pods(OLD, |at, pod| (pod.ready, pod.not_running) = (false, trouble(at)));
    run.assert_inconclusive(MetricServed, "(workload) pod ollama-7fd697578d-dfk6s: CrashLoopBackOff: back-off");
    run.assert_inconclusive(MetricServed, "its log and events are in diagnostics/gpuhpa/");
    // A pod that crashes keeps its accelerator and has a metric; then the HPA is missing.
    let mut served = healthy()
        .without(|o| matches!(o.kind, ObservationKind::Hpa(_)))
        .with_observation(HPA_CREATED_MS, phase_began(Phase::Cleanup));
    served.journal.clear();
    let served = served.pods(OLD, |at, pod| (pod.ready, pod.not_running) = (false, trouble(at)));
    served.assert_inconclusive(AutoscalerActive, "(workload) pod ollama-7fd697578d-dfk6s: CrashLoopBackOff: back-off");
}

#[test]
fn a_volume_that_a_pod_waits_for_is_named_with_its_warning() {
    let trouble = |reason: &str, message: &str| {
        let problem = NotRunningReason { reason: reason.into(), message: message.into() };
        let run = healthy().api_fails(0, u64::MAX).without(|o| matches!(o.kind, ObservationKind::Phase(_)));
        let claim = ObservationKind::Event(EventSnapshot {
            object: "PersistentVolumeClaim/ollama".into(),
            kind: "Warning".into(),
            reason: "ProvisioningFailed".into(),
            message: "storageclass \"fast\" not found".into(),
            ..EventSnapshot::default()
        });
        let mut run = run
            .with_observation(HPA_CREATED_MS - 1000, claim)
            .with_observation(HPA_CREATED_MS, phase_began(Phase::Cleanup));
        run.journal.clear();
        run.pods(OLD, |_, pod| (pod.ready, pod.not_running) = (false, Some(problem.clone())))
            .evaluate(MetricServed)
            .reason
    };
    let said = "PersistentVolumeClaim/ollama: ProvisioningFailed: storageclass \"fast\" not found";
    let unbound = trouble("Unschedulable", "pod has unbound immediate PersistentVolumeClaims");
    assert!(unbound.starts_with("(workload)") && unbound.contains(said), "{unbound}");
    let full = trouble("Unschedulable", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.");
    assert!(full.starts_with("(capacity)") && !full.contains(said), "{full}");
    assert!(!trouble("CrashLoopBackOff", "back-off").contains(said), "a pod that runs has its volume");
}

#[test]
fn a_pod_that_cannot_run_is_awaited_for_twice_the_assumed_start() {
    let waiting = |start: u64| {
        let run =
            healthy().ended_at(HPA_CREATED_MS).scenario(|s| s.assumptions.pod_start = HumanDuration::from_secs(start));
        let trouble = NotRunningReason { reason: "ImagePullBackOff".into(), message: "no such host".into() };
        let run = run.pods(OLD, |_, pod| (pod.ready, pod.not_running) = (false, Some(trouble.clone())));
        run.workloads(|_, workload| workload.ready_replicas = 0)
            .with_evaluator(|evaluator| evaluator.view().target_not_ready_reason(u64::MAX))
    };
    assert_eq!(waiting(60).unwrap().detail, "pod ollama-7fd697578d-dfk6s: ImagePullBackOff: no such host");
    assert_eq!(waiting(1), None);
}

#[test]
fn a_value_that_is_not_finite_is_not_served() {
    healthy().metric(0, HPA_CREATED_MS, None).assert_inconclusive(MetricServed, "not finite");
}

#[test]
fn a_metric_of_other_pods_is_not_served_for_the_target() {
    let run = healthy().readings(MetricHop::Api, 0, HPA_CREATED_MS, |result| {
        edit_samples(result, |sample| sample.object = Some("another-pod".to_owned()));
    });
    run.assert_inconclusive(MetricServed, "none of them of a pod of the target");
}

#[test]
fn without_a_metric_phase_nothing_was_served() {
    let run = healthy().cut(3);
    assert_eq!((run.evaluate(MetricServed).status, run.result()), (CheckStatus::Pending, CaseResult::Inconclusive));
}

#[test]
fn the_controller_is_active_when_it_shows_a_served_value() {
    healthy().assert_passes(AutoscalerActive, "ScalingActive=True/ValidMetricFound");
}

#[test]
fn a_controller_that_cannot_compute_fails_with_its_own_message() {
    let run = refused("FailedGetPodsMetric", "unable to get metric gpu_utilization: no metrics returned");
    run.assert_fails(AutoscalerActive, "ScalingActive=False/FailedGetPodsMetric: unable to get metric gpu_utilization");
}

#[test]
fn a_target_with_0_replicas_is_not_the_controllers_doing() {
    let run = || refused("ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
    let zero = run().resized_by(HPA_CREATED_MS, 0, "kubectl", "");
    zero.assert_inconclusive(
        AutoscalerActive,
        "the target has 0 replicas (1 → 0, written by kubectl (Update)), and the controller does not scale a target from a 0",
    );
    zero.assert_inconclusive(AutoscalerActive, "ScalingActive=False/ScalingDisabled: scaling is disabled");
    // The controller is wrong where the target has more.
    let again = zero.resized_by(HPA_CREATED_MS + 1, 1, "kubectl", "");
    again.assert_fails(AutoscalerActive, "ScalingActive=False/ScalingDisabled: scaling is disabled");
    run().assert_fails(AutoscalerActive, "ScalingActive=False/ScalingDisabled: scaling is disabled");
}

#[test]
fn an_ambiguous_selector_is_another_hpas_doing() {
    let run = refused("AmbiguousSelector", "pods by selector app=ollama are controlled by more than one HPA");
    run.assert_inconclusive(AutoscalerActive, "another HPA selects the same pods");
    let message = "pods by selector app=ollama are controlled by multiple HPAs: [gpuhpa/keda-hpa-theirs gpuhpa/ours]";
    let of_keda = refused("AmbiguousSelector", message);
    of_keda.assert_inconclusive(AutoscalerActive, "KEDA has made it of ScaledObject theirs: delete that");
}

#[test]
fn a_controller_that_reports_a_value_that_was_not_served_fails() {
    let run =
        healthy().hpas(|_, hpa| hpa.current_metrics.iter_mut().for_each(|m| m.average_value = Some(Milli(7_777_000))));
    run.assert_fails(AutoscalerActive, "reports 7777, which the metrics API did not serve");
    let frozen = healthy().hpas(|_, hpa| hpa.current_metrics.iter_mut().for_each(|m| m.average_value = Some(Milli(0))));
    frozen
        .metric(10_000, CLEANUP, Some(30_000))
        .assert_fails(AutoscalerActive, "reports 0, which the metrics API did not serve");
}

#[test]
fn a_metric_that_is_not_served_is_not_a_fail() {
    let run = refused("FailedGetPodsMetric", "404").api_fails(HPA_CREATED_MS, CLEANUP);
    run.assert_inconclusive(AutoscalerActive, "the metrics API served the metric in only 0 of");
}

#[test]
fn a_metric_that_was_not_read_is_not_a_fail() {
    refused("FailedGetPodsMetric", "404")
        .not_read(HPA_CREATED_MS, CLEANUP)
        .assert_inconclusive(AutoscalerActive, "served the metric");
    // Between sparse readings the controller may have failed to read.
    let sparse = refused("FailedGetPodsMetric", "404").not_read(HPA_CREATED_MS, 20_000).not_read(21_000, 30_000);
    sparse.not_read(31_000, CLEANUP).assert_inconclusive(AutoscalerActive, "served the metric");
}

#[test]
fn an_hpa_that_could_not_be_watched_is_not_a_fail() {
    let run = recorded("hpa-controller-off").gap("hpa", 5_450, 28_500);
    run.assert_inconclusive(AutoscalerActive, "the watch of hpa had a gap");
    let blink = recorded("hpa-controller-off").gap("hpa", 15_000, 15_400);
    blink.assert_fails(AutoscalerActive, "no controller");
}

#[test]
fn a_controller_that_comes_late_is_inconclusive() {
    let late = healthy().hpas(|_, hpa| hpa.conditions.clear());
    // 13 s is the bound, 23 s with twice the sync period.
    let late = late.with_active_hpa_from(30_000);
    late.assert_inconclusive(AutoscalerActive, "later than 13s");
}

#[test]
fn an_hpa_that_is_never_seen_is_inconclusive_within_bounded_time() {
    let run = healthy().without(|o| matches!(o.kind, ObservationKind::Hpa(_)));
    run.assert_inconclusive(AutoscalerActive, "was not seen");
    let fresh = healthy().without(|o| matches!(o.kind, ObservationKind::Hpa(_))).ended_at(IDLE);
    assert_eq!(fresh.evaluate(AutoscalerActive).status, CheckStatus::Pending);
}

#[test]
fn without_an_hpa_in_the_journal_nothing_is_ours() {
    let mut run = healthy();
    run.journal.retain(|entry| entry.change != 5);
    assert_eq!(run.result(), CaseResult::Inconclusive);
    assert_ne!(run.evaluate(AutoscalerActive).status, CheckStatus::Pass);
}

#[test]
fn the_hpa_of_another_run_is_not_ours() {
    let run = healthy().hpas(|_, hpa| hpa.name = "gpuhpa-of-yesterday".to_owned());
    run.assert_inconclusive(AutoscalerActive, "was not seen");
    let mut twin = healthy();
    for entry in &mut twin.journal {
        if let (5, ChangeState::Done { uid }) = (entry.change, &mut entry.state) {
            *uid = Some("another".to_owned());
        }
    }
    assert_eq!(twin.result(), CaseResult::Inconclusive, "an HPA of the run's name that the run did not create");
}

#[test]
fn a_platform_without_the_api_is_not_applicable() {
    let mut run = healthy();
    run.inventory.hpa_served = false;
    assert_eq!(run.result(), CaseResult::NotApplicable);
    assert!(run.verdict().cases.iter().all(|case| case.result == CaseResult::NotApplicable));
}

/// The reason why a run did not start is recorded as an observation, so that the verdict follows from the records
/// alone.
#[test]
fn a_run_that_did_not_begin_is_inconclusive_in_every_case_for_that_reason() {
    let reason = "the API server is not reachable: connection refused";
    let observation = Observation {
        seq: 0,
        at_ms: 12,
        source_time: None,
        kind: ObservationKind::NotStarted { reason: reason.to_owned() },
    };
    let (scenario, mut inventory) = (Scenario::default(), Inventory::default());
    let verdict = judge(RunRecords::without_changes(&scenario, &inventory, std::slice::from_ref(&observation)));
    assert_eq!((verdict.result, verdict.reason.as_str(), verdict.cases.len()), (CaseResult::Inconclusive, reason, 14));
    for case in &verdict.cases {
        let expected = (CaseResult::Inconclusive, reason, &[0][..], Some([12, 12]));
        assert_eq!((case.result, case.reason.as_str(), &case.cited_seqs[..], case.span_ms), expected, "{}", case.name);
    }
    // An API server that answers without that API makes the run not applicable.
    inventory.kubernetes_version = "v1.22.0".to_owned();
    let verdict = judge(RunRecords::without_changes(&scenario, &inventory, &[observation]));
    assert_eq!(verdict.result, CaseResult::NotApplicable);
}

#[test]
fn twice_the_assumed_sync_period_saves_a_controller_that_is_off_for_so_long() {
    let run = recorded("hpa-controller-off").scenario(|s| s.assumptions.sync_period = HumanDuration::from_secs(10));
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

/// The healthy run up to the bound of the autoscaler, with this ScalingActive condition.
fn refused(reason: &str, message: &str) -> super::run_fixture::RunFixture {
    let run = slow_metric().hpas(|_, hpa| {
        hpa.current_metrics.clear();
        hpa.conditions = vec![ObjectCondition {
            kind: "ScalingActive".to_owned(),
            status: "False".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: None,
        }];
    });
    run.without(|o| {
        matches!(o.kind, ObservationKind::Phase(_)) && !is_phase(o, Phase::Metric) && !is_phase(o, Phase::Install)
    })
    .without(|o| {
        o.at_ms > 40_000
            || matches!(o.kind, ObservationKind::Load(_) | ObservationKind::Workload(_)) && o.at_ms > 12_000
    })
}

impl super::run_fixture::RunFixture {
    /// The HPA is active from this time on.
    fn with_active_hpa_from(self, at_ms: u64) -> Self {
        let mut hpa = healthy().hpa_at(IDLE);
        hpa.current_metrics.iter_mut().for_each(|m| m.average_value = Some(Milli(51_000)));
        self.without(|o| matches!(o.kind, ObservationKind::Hpa(_)) && o.at_ms > 10_820)
            .with_observation(at_ms, ObservationKind::Hpa(hpa))
    }
}

#[test]
fn a_release_that_could_not_be_installed_is_named_by_the_journal() {
    let entry = |state| JournalEntry { run: "1".to_owned(), change: 0, at_ms: 1, state };
    let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
    let journal = [
        entry(ChangeState::Intended(RunChange::HelmInstall(release.into()))),
        entry(ChangeState::Failed { error: "`helm install ollama` failed: no such chart".to_owned() }),
        entry(ChangeState::Undone),
    ];
    let phase_observation = |seq, phase| Observation {
        seq,
        at_ms: seq,
        source_time: None,
        kind: ObservationKind::Phase(PhaseChange { phase, edge: PhaseEdge::Began }),
    };
    let timeline = [phase_observation(0, Phase::Install), phase_observation(1, Phase::Cleanup)];
    let inventory = Inventory { hpa_served: true, ..Inventory::default() };
    let scenario = Scenario::default();
    let records = RunRecords {
        scenario: &scenario,
        inventory: &inventory,
        journal: &journal,
        timeline: &timeline,
        client_bound: None,
    };
    let verdict = judge(records);
    let reason = "a change to the cluster failed: `helm install ollama` failed: no such chart";
    for name in ["Setup/PodsRequestAccelerators", "Setup/MetricServed"] {
        let case = verdict.cases.iter().find(|case| case.name == name).unwrap();
        assert_eq!((case.result, case.reason.as_str()), (CaseResult::Inconclusive, reason));
    }
    assert_eq!(verdict.reason, format!("Setup/PodsRequestAccelerators: {reason}"), "the first cause is reported first");
}
