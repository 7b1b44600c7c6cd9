//! ScaleUp/NewPodsServe with OpenAI's protocol, whose servers need not say where their model is: the activity of a device then
//! shows that a pod computes on it, and nothing else does.

use super::run_fixture::{FALL, RISE, RunFixture, SECOND, edit_samples, healthy, real_accelerators};
use super::scale_up::idle_second;
use crate::judge::Check::NewPodsServe;
use crate::judge::{CheckResult, CheckStatus};
use crate::model::load::{BearerTokenSource, ProtocolName};
use crate::model::reading::{MetricHop, MetricSample};
use crate::model::scenario::Accelerator;
use crate::units::Milli;

fn evaluate(run: &RunFixture) -> CheckResult {
    run.with_evaluator(|evaluator| NewPodsServe.evaluate_alone(evaluator.view()))
}

fn openai(run: RunFixture) -> RunFixture {
    run.scenario(|s| s.load.protocol = ProtocolName::OpenAi)
}

/// A server that does not serve `/api/ps`.
fn unknown(run: RunFixture) -> RunFixture {
    openai(run).probes(|probe| {
        (probe.model_bytes, probe.model_accelerator_bytes, probe.model_digest) = (None, None, None);
    })
}

/// The samples of the second pod at exporter and store.
fn device_samples(run: RunFixture, change: fn(&mut MetricSample)) -> RunFixture {
    [MetricHop::Exporter, MetricHop::Store].into_iter().fold(run, |run, hop| {
        run.readings(hop, RISE, FALL + 60_000, |result| {
            edit_samples(result, |sample| {
                if sample.object.as_deref() == Some(SECOND) {
                    change(sample);
                }
            });
        })
    })
}

#[test]
fn the_text_says_whether_the_server_or_the_device_shows_where_the_model_is() {
    let server = "67724288 of 67724288 bytes of the model are in accelerator memory, 100 %, by /api/ps of its server";
    openai(real_accelerators()).assert_passes_with_finding(NewPodsServe, server);
    let run = unknown(real_accelerators());
    let device = "its server does not say where its model is, and the activity of its device GPU-6f1d2c3a-";
    run.assert_passes_with_finding(NewPodsServe, device);
    run.assert_passes_with_finding(
        NewPodsServe,
        "(its server does not say where the model is, so the activity of its device",
    );
    unknown(healthy()).assert_passes_with_finding(NewPodsServe, "was not reported, waived by accelerator: standIn");
}

#[test]
fn a_metric_that_rises_shows_no_work_of_a_device() {
    let changes: [fn(&mut MetricSample); 3] = [
        // The metric of a server has no device.
        |sample| sample.labels = std::sync::Arc::default(),
        // The model is on the CPU: the metrics API alone shows activity.
        |sample| sample.value = Some(Milli(0)),
        |sample| sample.value = None,
    ];
    for change in changes {
        let result = evaluate(&device_samples(unknown(real_accelerators()), change));
        assert_eq!(result.status, CheckStatus::Inconclusive, "{}", result.reason);
        assert!(
            result.reason.contains("no reading of exporter or store shows activity of a device"),
            "{}",
            result.reason
        );
        let stated = evaluate(&device_samples(openai(real_accelerators()), change));
        assert_eq!(stated.status, CheckStatus::Pass, "the server says it: {}", stated.reason);
        let stand_in = evaluate(&device_samples(unknown(healthy()), change));
        assert_eq!(stand_in.status, CheckStatus::Pass, "{}", stand_in.reason);
    }
}

#[test]
fn the_run_waits_for_activity_of_the_device_while_the_load_runs() {
    let run = device_samples(unknown(real_accelerators()), |sample| sample.value = None)
        .without(|o| o.at_ms >= FALL - 20_000);
    assert_eq!(evaluate(&run).status, CheckStatus::Pending, "{}", evaluate(&run).reason);
}

#[test]
fn a_model_that_a_server_reports_on_the_cpu_fails_in_both_protocols() {
    openai(real_accelerators())
        .probes(|probe| probe.model_accelerator_bytes = Some(0))
        .assert_fails(NewPodsServe, "are in accelerator memory (/api/ps): it computes on the CPU");
}

#[test]
fn a_pod_without_activity_may_have_no_traffic_or_compute_on_the_cpu() {
    let real = |run: RunFixture| run.scenario(|s| s.accelerator = Accelerator::Resource("nvidia.com/gpu".to_owned()));
    let result = evaluate(&real(unknown(idle_second())));
    assert_eq!(result.status, CheckStatus::Fail, "{}", result.reason);
    assert!(
        result
            .reason
            .ends_with("by chance; or the pod computes on the CPU: its server does not say where its model is")
    );
}

#[test]
fn a_pod_that_wants_the_bearer_token_itself_is_named_as_the_reason() {
    let refused = |status: u16| {
        unknown(healthy()).probes(move |probe| {
            (probe.error, probe.status) = (Some("http-4xx: HTTP 401: Unauthorized".to_owned()), Some(status));
        })
    };
    let with_token = |run: RunFixture| {
        run.scenario(|s| {
            s.load.bearer_token = Some(BearerTokenSource { file: None, env: Some("API_KEY".to_owned()) });
        })
    };
    for status in [401, 403] {
        with_token(refused(status)).assert_inconclusive(NewPodsServe, "forwards no header Authorization");
    }
    with_token(refused(404)).assert_inconclusive(NewPodsServe, "refuses the chat");
    refused(401).assert_inconclusive(NewPodsServe, "refuses the chat");
}
