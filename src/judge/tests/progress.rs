//! What a run tells of its changes while it goes on.

use super::run_fixture::{CLEANUP, FALL, OLD, RISE, RunFixture, SCALED_TO_1, SCALED_TO_3, SECOND, edit_samples};
use crate::judge::ProgressEvent;
use crate::model::observation::NotRunningReason;
use crate::model::reading::{MetricHop, ReadingResult};

/// The healthy run until its clean-up.
fn healthy() -> RunFixture {
    super::run_fixture::healthy().without(|o| o.at_ms > CLEANUP)
}

/// The lines of a run that is evaluated once every 20 observations.
fn lines(run: &RunFixture) -> Vec<String> {
    let length = run.timeline.len();
    let mut lines = Vec::new();
    let mut from_seq = 0;
    for end in (20..length).step_by(20).chain([length]) {
        let so_far = run.clone().cut(end);
        lines.extend(so_far.with_evaluator(|evaluator| {
            evaluator.view().progress_from(from_seq).iter().map(ToString::to_string).collect::<Vec<_>>()
        }));
        from_seq = so_far.timeline.last().map_or(0, |last| last.seq + 1);
    }
    lines
}

fn lines_with(run: &RunFixture, text: &str) -> Vec<String> {
    lines(run).into_iter().filter(|line| line.contains(text)).collect()
}

#[test]
fn each_change_of_a_healthy_run_has_one_line() {
    let expected = [
        "the exporter serves the metric",
        "pod ollama-7fd697578d-dfk6s Ready after 2s",
        "the store and the metrics API serve the metric",
        "1 → 2 by the HPA: Pods metric gpu_utilization 100 of 60",
        "pod ollama-7fd697578d-fcd5l Ready after 1s",
        "2 → 3 by the HPA: Pods metric gpu_utilization 100 of 60",
        "pod ollama-7fd697578d-lb9np Ready after 1s",
        "3 → 1 by the HPA: Pods metric gpu_utilization 0 of 60",
        "2 pods deleted: ollama-7fd697578d-lb9np, ollama-7fd697578d-fcd5l",
    ];
    assert_eq!(lines(&healthy()), expected);
}

#[test]
fn the_events_of_a_whole_run_are_those_of_its_parts_without_the_bundles() {
    let whole = healthy().with_evaluator(|evaluator| evaluator.view().progress_from(0));
    let sizes = |event: &&ProgressEvent| matches!(event, ProgressEvent::Resized { .. });
    let sizes: Vec<String> = whole.iter().filter(sizes).map(ToString::to_string).collect();
    assert_eq!(sizes, lines_with(&healthy(), " → "));
    let end = healthy().timeline.last().map_or(0, |last| last.seq + 1);
    assert_eq!(healthy().with_evaluator(|evaluator| evaluator.view().progress_from(end)), []);
}

#[test]
fn another_writer_is_named_by_its_field_manager() {
    let run = healthy().resized_by(FALL - 2000, 5, "kubectl-edit", "");
    assert!(lines(&run).contains(&"3 → 5 by kubectl-edit (Update)".to_owned()), "{:?}", lines(&run));
}

#[test]
fn a_change_that_the_hpa_may_still_confirm_holds_back_the_later_ones() {
    let run = healthy().resized_by(SCALED_TO_3 - 1000, 7, "kubectl", "scale");
    let at = |at_ms: u64| lines_with(&run.clone().without(|o| o.at_ms > at_ms), " → ");
    assert_eq!(at(SCALED_TO_3 + 4000).len(), 1, "{:?}", at(SCALED_TO_3 + 4000));
    let later = at(SCALED_TO_3 + 8000);
    let unconfirmed = "2 → 7 by kubectl (Update of subresource scale), which the HPA's status does not confirm";
    assert_eq!(later[1], unconfirmed, "{later:?}");
    assert!(later[2].starts_with("7 → 3 by "), "{later:?}");
}

#[test]
fn a_crash_loop_has_one_line_for_each_reason_until_the_pod_is_ready() {
    let mut n = 0;
    let run = healthy().pods(SECOND, |_, pod| {
        n += 1;
        let reason = if n % 2 == 0 { "CrashLoopBackOff" } else { "Error" };
        pod.not_running = Some(NotRunningReason { reason: reason.to_owned(), message: "exit code 1".to_owned() });
        pod.ready = false;
    });
    let expected = [
        format!("pod {SECOND} does not run (CrashLoopBackOff: exit code 1)"),
        format!("pod {SECOND} does not run (Error: exit code 1)"),
    ];
    let mut told = lines_with(&run, "does not run");
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn a_hop_that_misses_the_metric_in_one_reading_has_not_stopped() {
    let fails = |from_ms: u64, to_ms: u64| lines_with(&healthy().api_fails(from_ms, to_ms), "the metrics API");
    assert_eq!(fails(RISE, RISE + 3000).len(), 1);
    let told = fails(RISE, RISE + 14_000);
    assert_eq!(
        told[1..],
        ["the metrics API does not serve the metric any more: 404", "the metrics API serves the metric"]
    );
    // A hop that the harness cannot read has not stopped.
    let run = healthy().readings(MetricHop::Api, RISE, SCALED_TO_1, |result| {
        *result = ReadingResult::NotReadable("forbidden".to_owned());
    });
    assert_eq!(lines_with(&run, "the metrics API").len(), 1);
    let run = healthy().readings(MetricHop::Store, RISE, FALL, |result| {
        edit_samples(result, |sample| sample.object = Some("another-pod".to_owned()));
    });
    assert_eq!(lines_with(&run, "the store does not serve the metric any more").len(), 1);
}

#[test]
fn pods_that_change_together_are_one_line_with_three_names() {
    let names = |n: usize| (0..n).map(|n| format!("pod-{n}")).collect::<Vec<_>>();
    let ready = |n: usize, range: (u64, u64)| ProgressEvent::PodsReady { pods: names(n), after_ms: Some(range) };
    assert_eq!(ready(1, (34_000, 34_000)).to_string(), "pod pod-0 Ready after 34s");
    assert_eq!(ready(3, (34_000, 71_000)).to_string(), "3 pods Ready after 34s to 1m11s: pod-0, pod-1, pod-2");
    assert_eq!(ready(100, (1000, 1000)).to_string(), "100 pods Ready after 1s: pod-0, pod-1, pod-2 and 97 more");
    let not_running = ProgressEvent::PodsNotRunning {
        pods: names(2),
        reason: "Unschedulable".to_owned(),
        message: "0/3 nodes".to_owned(),
    };
    assert_eq!(not_running.to_string(), "2 pods do not run (Unschedulable: 0/3 nodes): pod-0, pod-1");
}

#[test]
fn a_pod_that_was_ready_before_the_run_has_no_time_since_its_creation() {
    let run = healthy().pods(OLD, |_, pod| pod.ready = true);
    assert_eq!(lines_with(&run, OLD)[0], format!("pod {OLD} Ready"));
}
