//! Setup/PodsRequestAccelerators, Setup/MetricServed, Setup/AutoscalerActive.

use super::run::{CLEANUP, IDLE, OLD, began, healthy, is_phase, real_cards, recorded, samples, slow_metric};
use crate::judge::{Check, State, judge};
use crate::record::inventory::Inventory;
use crate::record::journal::{Change, Entry, ReleaseRef, Step};
use crate::record::observation::{Condition, Edge, EventSeen, Observation, Phase, PhaseMark, Seen, Trouble};
use crate::record::reading::{Answer, Hop};
use crate::record::records::Records;
use crate::record::scenario::{Accelerator, Scenario};
use crate::record::verdict::CaseResult;
use crate::units::{Milli, Span};

use Check::{AutoscalerActive, MetricServed, PodsRequestAccelerators};

/// When the HPA was made, and when its first status came.
const MADE: u64 = 10_809;

#[test]
fn pods_with_an_extended_resource_or_a_claim_request_an_accelerator() {
    healthy().passes(PodsRequestAccelerators, "all 3 pods of the target request nvidia.com/gpu=1");
    real_cards().passes(PodsRequestAccelerators, "nvidia.com/gpu=1");
    let claims = healthy().each(|o| {
        if let Seen::Pod(pod) = &mut o.seen {
            pod.resources.clear();
            pod.claims = vec![format!("{}-gpu", pod.name)];
        }
    });
    claims.passes(PodsRequestAccelerators, "claim ollama-7fd697578d-dfk6s-gpu");
}

#[test]
fn a_pod_without_an_accelerator_is_inconclusive_and_named() {
    let run = healthy().pods(OLD, |_, pod| pod.resources.clear());
    run.unclear(PodsRequestAccelerators, "pod ollama-7fd697578d-dfk6s requests no accelerator");
    run.unclear(Check::NewPodsRunOnAccelerators, "needs Setup/PodsRequestAccelerators");
    let other = healthy().scenario(|s| s.accelerator = Accelerator::Resource("amd.com/gpu".to_owned()));
    other.unclear(PodsRequestAccelerators, "extended resources: nvidia.com/gpu=1; claims: none");
    other.unclear(PodsRequestAccelerators, "for example amd.com/gpu: 1");
    let failing = recorded("hpa-controller-off").pods("ollama-7fd697578d-26bxj", |_, pod| pod.resources.clear());
    failing.unclear(AutoscalerActive, "requests no accelerator");
}

#[test]
fn pods_that_nobody_may_see_are_inconclusive_within_bounded_time() {
    let blind = healthy().without(|o| matches!(o.seen, Seen::Pod(_) | Seen::PodGone(_)));
    let blind = blind.scenario(|s| s.assumptions.pod_start = Span::from_secs(1));
    blind.unclear(PodsRequestAccelerators, "no pod of the target was seen");
}

#[test]
fn an_empty_selector_selects_nothing() {
    let run = healthy().workloads(|_, workload| workload.selector.clear());
    assert_eq!(run.result(), CaseResult::Inconclusive);
    assert_ne!(run.rule(PodsRequestAccelerators).state, State::Holds);
}

#[test]
fn the_metric_is_served_when_it_is_served_before_the_hpa_exists() {
    healthy().passes(MetricServed, "the metrics API serves pods metric gpu_utilization");
    let late = healthy().api_fails(0, MADE);
    late.unclear(MetricServed, "first broken hop: metrics API: 404; it is there at the exporter and the store");
    late.unclear(AutoscalerActive, "needs Setup/MetricServed");
}

#[test]
fn the_first_broken_hop_is_named() {
    let no_exporter = healthy().api_fails(0, MADE).readings(Hop::Exporter, 0, MADE, |answer| {
        samples(answer, |sample| sample.object = None);
    });
    no_exporter.unclear(MetricServed, "first broken hop: exporter: 4 series, none of them of a pod of the target");
    let no_store = healthy().api_fails(0, MADE).readings(Hop::Store, 0, MADE, |a| *a = Answer::Samples(Vec::new()));
    no_store.unclear(MetricServed, "first broken hop: store: no series; it is there at the exporter");
    let unreadable = healthy().api_fails(0, MADE).each(|o| {
        if let Seen::Metric(reading) = &mut o.seen
            && reading.hop != Hop::Api
        {
            reading.answer = Answer::NotReadable("forbidden".to_owned());
        }
    });
    unreadable.unclear(MetricServed, "first broken hop: metrics API: 404");
}

/// Each hop has its own next step.
#[test]
fn what_to_look_at_is_told_of_the_broken_hop() {
    let api = |why: &str| {
        let answer = Answer::Failed(why.to_owned());
        healthy().readings(Hop::Api, 0, u64::MAX, |a| *a = answer.clone())
    };
    api("404: 404 page not found")
        .unclear(MetricServed, "; nobody serves custom.metrics.k8s.io: install a metrics adapter");
    api("503 ServiceUnavailable: x")
        .unclear(MetricServed, "look at the pods behind APIService v1beta1.custom.metrics.k8s.io");
    api("404 NotFound: x").unclear(MetricServed, "resources.overrides, which have to map the labels");
    let renamed = Answer::Failed("no series of u, but 1: the store scrapes without honorLabels: true".to_owned());
    let store = api("404 NotFound: x").readings(Hop::Store, 0, MADE, |a| *a = renamed.clone());
    store.unclear(MetricServed, "first broken hop: store: no series of u");
    store.unclear(MetricServed, "map the exported_* labels in the adapter's rule");
    let gone = Answer::Failed("no running pod".to_owned());
    api("404 NotFound: x")
        .readings(Hop::Exporter, 0, MADE, |a| *a = gone.clone())
        .unclear(MetricServed, "metric.exporter");
}

/// The run ended at its metric, before the HPA: what the hops say after that is the work of the clean-up.
#[test]
fn a_hop_that_the_clean_up_took_away_is_not_the_broken_one() {
    let mut ended = healthy().api_fails(0, u64::MAX).note(MADE, began(Phase::Cleanup));
    ended.journal.clear();
    let ended = ended.readings(Hop::Exporter, MADE + 1, u64::MAX, |answer| {
        samples(answer, |sample| sample.object = None);
    });
    ended.unclear(MetricServed, "first broken hop: metrics API: 404; it is there at the exporter and the store");
}

/// The run ended in its install phase; the clean-up has taken the pod away since.
#[test]
fn a_pod_that_never_ran_is_named_with_the_kubelets_words() {
    let mut run = healthy()
        .api_fails(0, u64::MAX)
        .without(|o| matches!(o.seen, Seen::Phase(_)))
        .note(MADE, began(Phase::Cleanup));
    run.journal.clear();
    let trouble =
        |at: u64| (at < MADE - 500).then(|| Trouble { reason: "CrashLoopBackOff".into(), message: "back-off".into() });
    let run = run.pods(OLD, |at, pod| (pod.ready, pod.trouble) = (false, trouble(at)));
    run.unclear(MetricServed, "(workload) pod ollama-7fd697578d-dfk6s: CrashLoopBackOff: back-off");
    run.unclear(MetricServed, "its log and events are in diagnostics/gpuhpa/");
    // A pod that crashes holds its accelerator and has a metric; then the HPA is what never came.
    let mut served = healthy().without(|o| matches!(o.seen, Seen::Hpa(_))).note(MADE, began(Phase::Cleanup));
    served.journal.clear();
    let served = served.pods(OLD, |at, pod| (pod.ready, pod.trouble) = (false, trouble(at)));
    served.unclear(AutoscalerActive, "(workload) pod ollama-7fd697578d-dfk6s: CrashLoopBackOff: back-off");
}

#[test]
fn a_volume_that_a_pod_waits_for_is_named_with_its_own_words() {
    let trouble = |reason: &str, message: &str| {
        let words = Trouble { reason: reason.into(), message: message.into() };
        let run = healthy().api_fails(0, u64::MAX).without(|o| matches!(o.seen, Seen::Phase(_)));
        let claim = Seen::Event(EventSeen {
            object: "PersistentVolumeClaim/ollama".into(),
            kind: "Warning".into(),
            reason: "ProvisioningFailed".into(),
            message: "storageclass \"fast\" not found".into(),
            ..EventSeen::default()
        });
        let mut run = run.note(MADE - 1000, claim).note(MADE, began(Phase::Cleanup));
        run.journal.clear();
        run.pods(OLD, |_, pod| (pod.ready, pod.trouble) = (false, Some(words.clone()))).rule(MetricServed).reason
    };
    let said = "PersistentVolumeClaim/ollama: ProvisioningFailed: storageclass \"fast\" not found";
    let unbound = trouble("Unschedulable", "pod has unbound immediate PersistentVolumeClaims");
    assert!(unbound.starts_with("(workload)") && unbound.contains(said), "{unbound}");
    let full = trouble("Unschedulable", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.");
    assert!(full.starts_with("(capacity)") && !full.contains(said), "{full}");
    assert!(!trouble("CrashLoopBackOff", "back-off").contains(said), "a pod that runs has its volume");
}

#[test]
fn a_pod_in_trouble_is_waited_for_twice_as_long_as_a_start_may_take() {
    let waiting = |start: u64| {
        let run = healthy().ended_at(MADE).scenario(|s| s.assumptions.pod_start = Span::from_secs(start));
        let trouble = Trouble { reason: "ImagePullBackOff".into(), message: "no such host".into() };
        let run = run.pods(OLD, |_, pod| (pod.ready, pod.trouble) = (false, Some(trouble.clone())));
        run.workloads(|_, workload| workload.ready = 0).bench(|bench| bench.view().target_not_ready(u64::MAX))
    };
    assert_eq!(waiting(60).unwrap(), "pod ollama-7fd697578d-dfk6s: ImagePullBackOff: no such host");
    assert_eq!(waiting(1), None);
}

#[test]
fn a_value_that_is_not_finite_is_not_served() {
    healthy().metric(0, MADE, None).unclear(MetricServed, "not finite");
}

#[test]
fn a_metric_of_other_pods_is_not_served_for_the_target() {
    let run = healthy().readings(Hop::Api, 0, MADE, |answer| {
        samples(answer, |sample| sample.object = Some("somebody-else".to_owned()));
    });
    run.unclear(MetricServed, "none of them of a pod of the target");
}

#[test]
fn without_a_metric_phase_nothing_was_served() {
    let run = healthy().cut(3);
    assert_eq!((run.rule(MetricServed).state, run.result()), (State::Open, CaseResult::Inconclusive));
}

#[test]
fn the_controller_is_active_when_it_shows_a_served_value() {
    healthy().passes(AutoscalerActive, "ScalingActive=True/ValidMetricFound");
}

#[test]
fn a_controller_that_cannot_compute_fails_with_its_own_words() {
    let run = refused("FailedGetPodsMetric", "unable to get metric gpu_utilization: no metrics returned");
    run.fails(AutoscalerActive, "ScalingActive=False/FailedGetPodsMetric: unable to get metric gpu_utilization");
}

#[test]
fn an_ambiguous_selector_is_another_hpas_doing() {
    let run = refused("AmbiguousSelector", "pods by selector app=ollama are controlled by more than one HPA");
    run.unclear(AutoscalerActive, "another HPA selects the same pods");
}

#[test]
fn a_controller_that_shows_a_value_nobody_served_fails() {
    let run = healthy().hpas(|_, hpa| hpa.metrics.iter_mut().for_each(|m| m.average = Some(Milli(7_777_000))));
    run.fails(AutoscalerActive, "shows 7777, which the metrics API did not serve");
    let frozen = healthy().hpas(|_, hpa| hpa.metrics.iter_mut().for_each(|m| m.average = Some(Milli(0))));
    frozen
        .metric(10_000, CLEANUP, Some(30_000))
        .fails(AutoscalerActive, "shows 0, which the metrics API did not serve");
}

#[test]
fn a_metric_that_is_served_to_nobody_blames_nobody() {
    let run = refused("FailedGetPodsMetric", "404").api_fails(MADE, CLEANUP);
    run.unclear(AutoscalerActive, "the metrics API served the metric in only 0 of");
}

#[test]
fn a_metric_that_was_not_read_blames_nobody() {
    refused("FailedGetPodsMetric", "404").not_read(MADE, CLEANUP).unclear(AutoscalerActive, "served the metric");
    // Read now and then: the controller may have asked in between.
    let sparse = refused("FailedGetPodsMetric", "404").not_read(MADE, 20_000).not_read(21_000, 30_000);
    sparse.not_read(31_000, CLEANUP).unclear(AutoscalerActive, "served the metric");
}

#[test]
fn an_hpa_that_could_not_be_watched_blames_nobody() {
    let run = recorded("hpa-controller-off").gap("hpa", 5_450, 28_500);
    run.unclear(AutoscalerActive, "hpa could not be read");
    let blink = recorded("hpa-controller-off").gap("hpa", 15_000, 15_400);
    blink.fails(AutoscalerActive, "no controller");
}

#[test]
fn a_controller_that_comes_late_is_inconclusive() {
    let late = healthy().hpas(|_, hpa| hpa.conditions.clear());
    // 13 s is the bound, 23 s with twice the sync period.
    let late = late.hpas_from(30_000);
    late.unclear(AutoscalerActive, "later than 13s");
}

#[test]
fn an_hpa_that_is_never_seen_is_inconclusive_within_bounded_time() {
    let run = healthy().without(|o| matches!(o.seen, Seen::Hpa(_)));
    run.unclear(AutoscalerActive, "was not seen");
    let fresh = healthy().without(|o| matches!(o.seen, Seen::Hpa(_))).ended_at(IDLE);
    assert_eq!(fresh.rule(AutoscalerActive).state, State::Open);
}

#[test]
fn without_an_hpa_in_the_journal_nothing_is_ours() {
    let mut run = healthy();
    run.journal.retain(|entry| entry.change != 5);
    assert_eq!(run.result(), CaseResult::Inconclusive);
    assert_ne!(run.rule(AutoscalerActive).state, State::Holds);
}

#[test]
fn the_hpa_of_another_run_is_not_ours() {
    let run = healthy().hpas(|_, hpa| hpa.name = "gpuhpa-of-yesterday".to_owned());
    run.unclear(AutoscalerActive, "was not seen");
    let mut twin = healthy();
    for entry in &mut twin.journal {
        if let (5, Step::Done { uid }) = (entry.change, &mut entry.step) {
            *uid = Some("another".to_owned());
        }
    }
    assert_eq!(twin.result(), CaseResult::Inconclusive, "an HPA of our name that we did not make");
}

#[test]
fn a_platform_without_the_api_is_not_applicable() {
    let mut run = healthy();
    run.inventory.hpa_served = false;
    assert_eq!(run.result(), CaseResult::NotApplicable);
    assert!(run.verdict().cases.iter().all(|case| case.result == CaseResult::NotApplicable));
}

/// Why a run did not begin is an observation as any other: the verdict follows from the records alone.
#[test]
fn a_run_that_did_not_begin_is_inconclusive_in_every_case_for_that_reason() {
    let why = "the API server could not be asked: connection refused";
    let seen = Observation { seq: 0, at_ms: 12, source: None, seen: Seen::NotBegun { why: why.to_owned() } };
    let (scenario, mut inventory) = (Scenario::default(), Inventory::default());
    let verdict = judge(Records::unchanged(&scenario, &inventory, std::slice::from_ref(&seen)));
    assert_eq!((verdict.result, verdict.reason.as_str(), verdict.cases.len()), (CaseResult::Inconclusive, why, 14));
    for case in &verdict.cases {
        let expected = (CaseResult::Inconclusive, why, &[0][..], Some([12, 12]));
        assert_eq!((case.result, case.reason.as_str(), &case.cites[..], case.span_ms), expected, "{}", case.name);
    }
    // An API server that was asked, and has no such API, is another matter.
    inventory.kubernetes = "v1.22.0".to_owned();
    let verdict = judge(Records::unchanged(&scenario, &inventory, &[seen]));
    assert_eq!(verdict.result, CaseResult::NotApplicable);
}

#[test]
fn twice_the_assumed_sync_period_saves_a_controller_that_is_off_for_so_long() {
    let run = recorded("hpa-controller-off").scenario(|s| s.assumptions.sync_period = Span::from_secs(10));
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

/// The healthy run up to the bound of the autoscaler, and a controller that says this.
fn refused(reason: &str, message: &str) -> super::run::Run {
    let run = slow_metric().hpas(|_, hpa| {
        hpa.metrics.clear();
        hpa.conditions = vec![Condition {
            kind: "ScalingActive".to_owned(),
            status: "False".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            since: None,
        }];
    });
    run.without(|o| matches!(o.seen, Seen::Phase(_)) && !is_phase(o, Phase::Metric) && !is_phase(o, Phase::Install))
        .without(|o| o.at_ms > 40_000 || matches!(o.seen, Seen::Load(_) | Seen::Workload(_)) && o.at_ms > 12_000)
}

impl super::run::Run {
    /// The HPA is active from this moment on.
    fn hpas_from(self, at_ms: u64) -> Self {
        let mut hpa = healthy().hpa_at(IDLE);
        hpa.metrics.iter_mut().for_each(|m| m.average = Some(Milli(51_000)));
        self.without(|o| matches!(o.seen, Seen::Hpa(_)) && o.at_ms > 10_820).note(at_ms, Seen::Hpa(hpa))
    }
}

#[test]
fn a_release_that_could_not_be_installed_is_named_by_the_journal() {
    let entry = |step| Entry { run: "1".to_owned(), change: 0, at_ms: 1, step };
    let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
    let journal = [
        entry(Step::Intended(Change::HelmInstall(release.into()))),
        entry(Step::Failed { error: "`helm install ollama` failed: no such chart".to_owned() }),
        entry(Step::Undone),
    ];
    let mark = |seq, phase| Observation {
        seq,
        at_ms: seq,
        source: None,
        seen: Seen::Phase(PhaseMark { phase, edge: Edge::Began }),
    };
    let timeline = [mark(0, Phase::Install), mark(1, Phase::Cleanup)];
    let inventory = Inventory { hpa_served: true, ..Inventory::default() };
    let scenario = Scenario::default();
    let records =
        Records { scenario: &scenario, inventory: &inventory, journal: &journal, timeline: &timeline, load_void: None };
    let verdict = judge(records);
    let why = "a change to the cluster failed: `helm install ollama` failed: no such chart";
    for name in ["Setup/PodsRequestAccelerators", "Setup/MetricServed"] {
        let case = verdict.cases.iter().find(|case| case.name == name).unwrap();
        assert_eq!((case.result, case.reason.as_str()), (CaseResult::Inconclusive, why));
    }
    assert_eq!(verdict.reason, format!("Setup/PodsRequestAccelerators: {why}"), "what went wrong first is told first");
}
