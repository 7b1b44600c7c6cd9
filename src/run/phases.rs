//! The phases of a run. Each one makes a change, then waits until its checks have a result.

use std::collections::BTreeSet;
use std::time::Duration;

use super::run_state::RunState;
use super::{RunError, foreign_hpa, probes};
use crate::install;
use crate::judge::{Check, CheckStatus, EarlyExit, Prerequisite};
use crate::load::{self, ChatClient, ScheduledRequest};
use crate::model::hpa_source::HpaSource;
use crate::model::load::RequestOutcome;
use crate::model::observation::{ObservationKind, Phase};
use crate::model::plan::{BoundName, TimeBound};
use crate::plan;
use crate::units::HumanDuration;

/// Between two attempts of the first chat, while kube-proxy programs the Service.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Runs all phases before the clean-up. Ends early when no remaining phase can change the verdict.
pub(super) async fn run_phases(state: &mut RunState<'_>) -> Result<(), RunError> {
    let Some(url) = install_target(state).await? else { return Ok(()) };
    await_metric(state, state.env().clock.now_ms()).await?;
    if !check_early_exit(state).await? {
        return Ok(());
    }
    apply_autoscaler(state).await?;
    if !check_early_exit(state).await? {
        return Ok(());
    }
    hold_baseline(state).await?;
    if !check_early_exit(state).await? {
        return Ok(());
    }
    scale_up(state, &url).await?;
    if !check_early_exit(state).await? {
        return Ok(());
    }
    hold(state).await?;
    if check_early_exit(state).await? {
        scale_down(state).await?;
    }
    Ok(())
}

/// Runs the phases until the HPA is active. Returns the URL for the load, or `None` if a phase before it failed.
pub(super) async fn run_until_autoscaled(state: &mut RunState<'_>) -> Result<Option<String>, RunError> {
    let Some(url) = install_target(state).await? else { return Ok(None) };
    await_metric(state, state.env().clock.now_ms()).await?;
    if is_settled(state) {
        return Ok(None);
    }
    apply_autoscaler(state).await?;
    Ok(Some(url).filter(|_| !is_settled(state)))
}

/// Whether the next phase can still change the verdict. If only the scale-down can, it runs here, without load and without
/// the phases before it.
async fn check_early_exit(state: &mut RunState<'_>) -> Result<bool, RunError> {
    match state.with_evaluator(|evaluator| evaluator.early_exit()) {
        EarlyExit::No => Ok(true),
        EarlyExit::AfterScaleDown => scale_down(state).await.map(|()| false),
        EarlyExit::Now => Ok(false),
    }
}

fn is_settled(state: &RunState<'_>) -> bool {
    state.with_evaluator(|evaluator| evaluator.is_settled())
}

/// The longest time that a phase may take: the sum of these bounds. One that is named twice counts twice.
pub(super) fn phase_budget(state: &RunState<'_>, names: &[BoundName]) -> HumanDuration {
    let bounds = &state.inputs.plan.bounds;
    let named = names.iter().filter_map(|name| bounds.iter().find(|bound| bound.name == *name));
    HumanDuration::from_ms(named.map(TimeBound::lenient_ms).sum())
}

/// Installs namespaces, releases and the Service, and waits until the target answers a chat. The target loads the model
/// here, before any measurement. `None` when no pod of the target becomes Ready or none requests an accelerator: there is
/// nothing to measure then.
async fn install_target(state: &mut RunState<'_>) -> Result<Option<String>, RunError> {
    let inputs = state.inputs;
    let (env, scenario, inventory, plan) = (inputs.env, inputs.scenario, inputs.inventory, inputs.plan);
    let (journal, progress) = (state.journal, inputs.progress);
    state.begin_phase(Phase::Install, scenario.phases.install_timeout);
    state
        .unless_interrupted(async {
            install::create_namespaces(env, journal, scenario, inventory, &plan.run).await?;
            Ok(install::acquire_lease(env, journal, scenario, plan).await?)
        })
        .await?;
    state.lease_renewal.spawn(install::renew_lease(env.clone(), scenario.namespace.clone(), plan.clone()));
    let endpoint = state
        .unless_interrupted(async {
            install::record_volume_claims(env, journal, scenario, inventory).await?;
            let adopted = |name: &str| plan::is_adopted(scenario, inventory, name);
            install::install_releases(env, journal, scenario, inventory, &plan.run, adopted).await?;
            install::record_target_scale(journal, scenario, inventory)?;
            Ok(install::create_endpoint(env, journal, scenario, inventory, plan).await?)
        })
        .await?;
    env.bundle.redactor().add_url_host(&endpoint.url);
    progress.message(&format!("load goes to {} ({})", endpoint.url, endpoint.description));
    let deadline = env.clock.now_ms() + scenario.phases.install_timeout.ms();
    state
        .wait_while(|evaluator| evaluator.view().target_not_ready_reason(deadline).filter(|_| !evaluator.is_settled()))
        .await?;
    if is_settled(state) || !state.with_evaluator(|evaluator| evaluator.view().is_target_ready()) {
        state.end_phase(Phase::Install);
        return Ok(None);
    }
    // A Ready server that fails nevertheless gets less time than an image pull.
    let server_deadline = env.clock.now_ms() + phase_budget(state, &[BoundName::PodStartup]).ms();
    let (pods, claims) = state.with_evaluator(|evaluator| {
        let pods = evaluator.view().ready_pods();
        let claims: BTreeSet<_> = pods.iter().flat_map(|pod| evaluator.view().resource_claims_of(pod)).collect();
        (pods, claims.into_iter().collect::<Vec<_>>())
    });
    let first_chat = send_first_chat(inputs, &endpoint.url, &pods, &claims, deadline.min(server_deadline));
    state.unless_interrupted(first_chat).await?;
    foreign_hpa::apply_scaled_object(state).await?;
    state.end_phase(Phase::Install);
    Ok(Some(endpoint.url))
}

/// Sends a chat through the Service until one succeeds: kube-proxy may still program it, the target still load the model.
/// No success by the deadline is no error here: the load reports exact counts. Where the model is then is asked of `pods`, and
/// whose devices they have by `claims`: a model on the CPU, or no accelerator, makes the rest of the run pointless.
async fn send_first_chat(
    inputs: &super::RunInputs<'_>,
    url: &str,
    pods: &[String],
    claims: &[String],
    deadline: u64,
) -> Result<(), RunError> {
    let env = inputs.env;
    inputs.progress.step("first chat, which loads the model");
    let client = ChatClient::new(env.http.clone(), env.clock, inputs.scenario.load.clone(), url)?;
    let client = client.with_bearer_token(env.bearer_token.clone());
    loop {
        let request = ScheduledRequest { id: u64::MAX - 1, worker: 0, due_us: env.clock.now_us() };
        let record = load::send_chat(&client, request, std::future::pending(), &mut ()).await;
        let is_final =
            matches!(record.outcome, RequestOutcome::Succeeded | RequestOutcome::Http4xx | RequestOutcome::BadJson);
        if is_final || env.clock.now_ms() >= deadline {
            let mut probe = load::probe_from_record(&record);
            if probe.error.is_none() {
                load::find_model_placement(env, inputs.scenario, pods, &mut probe).await;
            }
            probe.claimed_devices = probes::read_claims(inputs, claims).await;
            let result = probe.error.clone().unwrap_or_else(|| format!("{} tokens", probe.tokens));
            inputs.progress.message(&format!("first chat: {result}"));
            env.timeline.record(ObservationKind::Probe(probe), None);
            return Ok(());
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

async fn await_metric(state: &mut RunState<'_>, chat_ended_ms: u64) -> Result<(), RunError> {
    state.begin_phase(Phase::Metric, phase_budget(state, &[BoundName::MetricServed]));
    state.wait_for_checks(&Prerequisite::awaited_in(Phase::Metric)).await?;
    if is_settled(state) {
        state.end_phase(Phase::Metric);
        return Ok(());
    }
    // The metric still shows model load and first chat; the HPA would start with a scale-up.
    let deadline = state.env().clock.now_ms() + phase_budget(state, &[BoundName::MetricFallsBack]).ms();
    state.wait_while(|evaluator| evaluator.view().metric_busy_reason(chat_ended_ms, deadline)).await?;
    foreign_hpa::await_settled(state).await?;
    state.end_phase(Phase::Metric);
    Ok(())
}

async fn apply_autoscaler(state: &mut RunState<'_>) -> Result<(), RunError> {
    let inputs = state.inputs;
    state.begin_phase(Phase::Autoscaler, phase_budget(state, &[BoundName::HpaActive]));
    let journal = state.journal;
    if inputs.scenario.hpa_source() == HpaSource::Applied {
        let apply = async { Ok(install::apply_hpa(inputs.env, journal, inputs.scenario, inputs.plan).await?) };
        state.unless_interrupted(apply).await?;
    } else {
        foreign_hpa::adopt(state).await?;
    }
    state.wait_for_checks(&Prerequisite::awaited_in(Phase::Autoscaler)).await?;
    state.end_phase(Phase::Autoscaler);
    Ok(())
}

async fn hold_baseline(state: &mut RunState<'_>) -> Result<(), RunError> {
    // Pods that the HPA added to enforce minReplicas still start; they are no part of an idle target.
    let deadline = state.env().clock.now_ms() + phase_budget(state, &[BoundName::PodStartup]).ms();
    state
        .wait_while(|evaluator| evaluator.view().target_not_ready_reason(deadline).filter(|_| !evaluator.is_settled()))
        .await?;
    state.begin_phase(Phase::Baseline, phase_budget(state, &[BoundName::Baseline]));
    state.wait_for_checks(&Prerequisite::awaited_in(Phase::Baseline)).await?;
    state.end_phase(Phase::Baseline);
    Ok(())
}

async fn scale_up(state: &mut RunState<'_>, url: &str) -> Result<(), RunError> {
    // The first new pods may interrupt a metric, which then has their start time longer.
    let rise = [BoundName::MetricFollowsLoad, BoundName::PodStartup, BoundName::MetricFollowsLoad];
    let size = [BoundName::ScaleUp, BoundName::PodStartup, BoundName::MetricServed];
    state.begin_phase(Phase::ScaleUp, phase_budget(state, &[rise, size].concat()));
    state.load = Some(load::start(state.env(), &state.inputs.scenario.load, url)?);
    probes::wait_for_checks(state, &Prerequisite::awaited_in(Phase::ScaleUp)).await?;
    state.end_phase(Phase::ScaleUp);
    Ok(())
}

async fn hold(state: &mut RunState<'_>) -> Result<(), RunError> {
    state.begin_phase(Phase::Hold, phase_budget(state, &[BoundName::Hold, BoundName::MetricServed]));
    probes::wait_for_checks(state, &Prerequisite::awaited_in(Phase::Hold)).await?;
    state.end_phase(Phase::Hold);
    Ok(())
}

async fn scale_down(state: &mut RunState<'_>) -> Result<(), RunError> {
    // The load stops first: the phase is the time without load.
    state.stop_load().await?;
    state.begin_phase(Phase::ScaleDown, phase_budget(state, &[BoundName::ScaleDown]));
    state.wait_for_checks(&Prerequisite::awaited_in(Phase::ScaleDown)).await?;
    // The lines of the size changes tell a scale-down.
    if state.with_evaluator(|evaluator| evaluator.evaluate(Check::ReplicasFall).status) != CheckStatus::Pass {
        state.inputs.progress.message("replicas are not back at min");
    }
    state.end_phase(Phase::ScaleDown);
    Ok(())
}
