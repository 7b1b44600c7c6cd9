//! The phases of a run. Each one changes something, then waits until the judge has seen what it waits for.

use std::time::Duration;

use super::run_state::{RunState, whole_check};
use super::{RunError, probes};
use crate::install;
use crate::judge::{Check, CheckStatus, EarlyExit, Prerequisite};
use crate::load::{self, ChatClient, ScheduledRequest};
use crate::model::load::RequestOutcome;
use crate::model::observation::{ObservationKind, Phase};
use crate::plan;
use crate::units::HumanDuration;

/// Between two tries of the first chat, while the Service is being programmed.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// The bound for which a metric that goes away under load is waited for.
const METRIC_SERVED_BOUND: &str = "metric served";

/// Everything up to the clean-up. Ends early when nothing that is left could change the verdict.
pub(super) async fn run_phases(stage: &mut RunState<'_>) -> Result<(), RunError> {
    let Some(url) = install_target(stage).await? else { return Ok(()) };
    await_metric(stage, stage.env().clock.now_ms()).await?;
    if !check_early_exit(stage).await? {
        return Ok(());
    }
    apply_autoscaler(stage).await?;
    if !check_early_exit(stage).await? {
        return Ok(());
    }
    hold_baseline(stage).await?;
    if !check_early_exit(stage).await? {
        return Ok(());
    }
    scale_up(stage, &url).await?;
    if !check_early_exit(stage).await? {
        return Ok(());
    }
    hold(stage).await?;
    if check_early_exit(stage).await? {
        scale_down(stage).await?;
    }
    Ok(())
}

/// Up to the HPA at work, for a load that follows; where the load goes, `None` where it did not come so far.
pub(super) async fn run_until_autoscaled(stage: &mut RunState<'_>) -> Result<Option<String>, RunError> {
    let Some(url) = install_target(stage).await? else { return Ok(None) };
    await_metric(stage, stage.env().clock.now_ms()).await?;
    if is_settled(stage) {
        return Ok(None);
    }
    apply_autoscaler(stage).await?;
    Ok(Some(url).filter(|_| !is_settled(stage)))
}

/// Whether the next phase has something to show. Where only the fall may still be judged, it is watched here and now:
/// without load, and without the phases before it.
async fn check_early_exit(stage: &mut RunState<'_>) -> Result<bool, RunError> {
    match stage.with_evaluator(|bench| bench.early_exit()) {
        EarlyExit::No => Ok(true),
        EarlyExit::AfterScaleDown => scale_down(stage).await.map(|()| false),
        EarlyExit::Now => Ok(false),
    }
}

fn is_settled(stage: &RunState<'_>) -> bool {
    stage.with_evaluator(|bench| bench.is_settled())
}

fn phase_budget(stage: &RunState<'_>, names: &[&str]) -> HumanDuration {
    let bounds = stage.inputs.plan.bounds.iter().filter(|bound| names.contains(&bound.name.as_str()));
    HumanDuration::from_ms(bounds.map(crate::model::plan::TimeBound::lenient_ms).sum())
}

/// Namespaces, releases, Service, target: until the target answers a chat. The model is loaded here, outside of
/// everything that is measured. `None` when no pod of the target becomes Ready or none asks for an accelerator: there is
/// nothing to measure then.
async fn install_target(stage: &mut RunState<'_>) -> Result<Option<String>, RunError> {
    let script = stage.inputs;
    let (world, scenario, inventory, plan) = (script.env, script.scenario, script.inventory, script.plan);
    let (journal, progress) = (stage.journal, script.progress);
    stage.begin_phase(Phase::Install, scenario.phases.install_timeout);
    stage
        .unless_interrupted(async {
            install::create_namespaces(world, journal, scenario, inventory, &plan.run).await?;
            Ok(install::acquire_lease(world, journal, scenario, plan).await?)
        })
        .await?;
    stage.lease_renewal.spawn(install::renew_lease(world.clone(), scenario.namespace.clone(), plan.clone()));
    let endpoint = stage
        .unless_interrupted(async {
            install::record_volume_claims(world, journal, scenario, inventory).await?;
            let adopted = |name: &str| plan::is_adopted(scenario, inventory, name);
            install::install_releases(world, journal, scenario, inventory, &plan.run, adopted).await?;
            install::record_target_scale(journal, scenario, inventory)?;
            Ok(install::create_endpoint(world, journal, scenario, inventory, plan).await?)
        })
        .await?;
    world.bundle.redactor().add_url_host(&endpoint.url);
    progress.message(&format!("load goes to {} ({})", endpoint.url, endpoint.description));
    let deadline = world.clock.now_ms() + scenario.phases.install_timeout.ms();
    stage.wait_while(|bench| bench.view().target_not_ready_reason(deadline).filter(|_| !bench.is_settled())).await?;
    if is_settled(stage) || !stage.with_evaluator(|bench| bench.view().is_target_ready()) {
        stage.end_phase(Phase::Install);
        return Ok(None);
    }
    // A server that is Ready and fails all the same is not waited for as long as an image is.
    let patience = world.clock.now_ms() + phase_budget(stage, &["pod start"]).ms();
    stage.unless_interrupted(send_first_chat(script, &endpoint.url, deadline.min(patience))).await?;
    stage.end_phase(Phase::Install);
    Ok(Some(endpoint.url))
}

/// One good chat through the Service, tried until it is good: kube-proxy may still be at work, the model still loading.
/// That it never was is not an error here: the load will say so with exact counts.
async fn send_first_chat(script: &super::RunInputs<'_>, url: &str, deadline: u64) -> Result<(), RunError> {
    let world = script.env;
    let caller = ChatClient::new(world.http.clone(), world.clock, script.scenario.load.clone(), url)?;
    loop {
        let turn = ScheduledRequest { id: u64::MAX - 1, worker: 0, due_us: world.clock.now_us() };
        let record = load::send_chat(&caller, turn, std::future::pending(), &mut ()).await;
        let lasting =
            matches!(record.outcome, RequestOutcome::Succeeded | RequestOutcome::Http4xx | RequestOutcome::BadJson);
        if lasting || world.clock.now_ms() >= deadline {
            let seen = load::probe_from_record(&record);
            let words = seen.error.clone().unwrap_or_else(|| format!("{} tokens", seen.tokens));
            script.progress.message(&format!("first chat: {words}"));
            world.timeline.record(ObservationKind::Probe(seen), None);
            return Ok(());
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

async fn await_metric(stage: &mut RunState<'_>, chat_ended_ms: u64) -> Result<(), RunError> {
    stage.begin_phase(Phase::Metric, phase_budget(stage, &["metric served"]));
    stage.wait_for_checks(&[whole_check(Check::PodsRequestAccelerators), whole_check(Check::MetricServed)]).await?;
    if is_settled(stage) {
        stage.end_phase(Phase::Metric);
        return Ok(());
    }
    // The load of the model and of the first chat has to pass by, or the HPA would begin by scaling up.
    let deadline = stage.env().clock.now_ms() + phase_budget(stage, &["metric falls back"]).ms();
    stage.wait_while(|bench| bench.view().metric_busy_reason(chat_ended_ms, deadline)).await?;
    stage.end_phase(Phase::Metric);
    Ok(())
}

async fn apply_autoscaler(stage: &mut RunState<'_>) -> Result<(), RunError> {
    let script = stage.inputs;
    stage.begin_phase(Phase::Autoscaler, phase_budget(stage, &["autoscaler active"]));
    let journal = stage.journal;
    stage
        .unless_interrupted(async { Ok(install::apply_hpa(script.env, journal, script.scenario, script.plan).await?) })
        .await?;
    stage.wait_for_checks(&[whole_check(Check::AutoscalerActive)]).await?;
    stage.end_phase(Phase::Autoscaler);
    Ok(())
}

async fn hold_baseline(stage: &mut RunState<'_>) -> Result<(), RunError> {
    stage.begin_phase(Phase::Baseline, phase_budget(stage, &["idle baseline"]));
    stage.wait_for_checks(&[whole_check(Check::IdleHolds)]).await?;
    stage.end_phase(Phase::Baseline);
    Ok(())
}

async fn scale_up(stage: &mut RunState<'_>, url: &str) -> Result<(), RunError> {
    stage.begin_phase(
        Phase::ScaleUp,
        phase_budget(stage, &["metric follows the load", "replicas rise", "pod start", METRIC_SERVED_BOUND]),
    );
    stage.load = Some(load::start(stage.env(), &stage.inputs.scenario.load, url)?);
    let parts =
        [Prerequisite::MetricRises, whole_check(Check::ReplicasRise), whole_check(Check::NewPodsRunOnAccelerators)];
    probes::wait_for_checks(stage, &parts).await?;
    stage.end_phase(Phase::ScaleUp);
    Ok(())
}

async fn hold(stage: &mut RunState<'_>) -> Result<(), RunError> {
    stage.begin_phase(Phase::Hold, phase_budget(stage, &["hold", METRIC_SERVED_BOUND]));
    probes::wait_for_checks(stage, &[whole_check(Check::HoldSteady), whole_check(Check::NewPodsServe)]).await?;
    stage.end_phase(Phase::Hold);
    Ok(())
}

async fn scale_down(stage: &mut RunState<'_>) -> Result<(), RunError> {
    // The load ends first: the phase is the time without it.
    stage.stop_load().await?;
    stage.begin_phase(Phase::ScaleDown, phase_budget(stage, &["replicas fall"]));
    let judged = [Check::ReplicasFall, Check::ByTheAutoscaler, Check::DecisionsExplained];
    stage.wait_for_checks(&[&[Prerequisite::MetricFalls][..], &judged.map(whole_check)].concat()).await?;
    let quiet = stage.with_evaluator(|bench| bench.evaluate(Check::ReplicasFall).status == CheckStatus::Pass);
    stage.inputs.progress.message(if quiet { "replicas are back at min" } else { "replicas are not back at min" });
    stage.end_phase(Phase::ScaleDown);
    Ok(())
}
