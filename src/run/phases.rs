//! The phases of a run. Each one changes something, then waits until the judge has seen what it waits for.

use std::time::Duration;

use super::stage::{Stage, whole};
use super::{RunError, probes};
use crate::install;
use crate::judge::{Check, Outlook, Part, State};
use crate::load::{self, Caller, Turn};
use crate::plan;
use crate::record::load::Outcome;
use crate::record::observation::{Phase, Seen};
use crate::units::Span;

/// Between two tries of the first chat, while the Service is being programmed.
const AGAIN: Duration = Duration::from_millis(500);

/// The bound for which a metric that goes away under load is waited for.
const AWAY: &str = "metric served";

/// Everything up to the clean-up. Ends early when nothing that is left could change the verdict.
pub(super) async fn perform(stage: &mut Stage<'_>) -> Result<(), RunError> {
    let Some(url) = install(stage).await? else { return Ok(()) };
    metric(stage, stage.world().clock.now_ms()).await?;
    if !goes_on(stage).await? {
        return Ok(());
    }
    autoscaler(stage).await?;
    if !goes_on(stage).await? {
        return Ok(());
    }
    idle(stage).await?;
    if !goes_on(stage).await? {
        return Ok(());
    }
    rise(stage, &url).await?;
    if !goes_on(stage).await? {
        return Ok(());
    }
    hold(stage).await?;
    if goes_on(stage).await? {
        fall(stage).await?;
    }
    Ok(())
}

/// Up to the HPA at work, for a load that follows; where the load goes, `None` where it did not come so far.
pub(super) async fn until_autoscaled(stage: &mut Stage<'_>) -> Result<Option<String>, RunError> {
    let Some(url) = install(stage).await? else { return Ok(None) };
    metric(stage, stage.world().clock.now_ms()).await?;
    if settled(stage) {
        return Ok(None);
    }
    autoscaler(stage).await?;
    Ok(Some(url).filter(|_| !settled(stage)))
}

/// Whether the next phase has something to show. Where only the fall may still be judged, it is watched here and now:
/// without load, and without the phases before it.
async fn goes_on(stage: &mut Stage<'_>) -> Result<bool, RunError> {
    match stage.look(|bench| bench.outlook()) {
        Outlook::Open => Ok(true),
        Outlook::Watched => fall(stage).await.map(|()| false),
        Outlook::Settled => Ok(false),
    }
}

fn settled(stage: &Stage<'_>) -> bool {
    stage.look(|bench| bench.is_settled())
}

fn budget(stage: &Stage<'_>, names: &[&str]) -> Span {
    let bounds = stage.script.plan.bounds.iter().filter(|bound| names.contains(&bound.name.as_str()));
    Span::from_ms(bounds.map(crate::record::plan::Bound::generous_ms).sum())
}

/// Namespaces, releases, Service, target: until the target answers a chat. The model is loaded here, outside of
/// everything that is measured. `None` when no pod of the target becomes Ready or none asks for an accelerator: there is
/// nothing to measure then.
async fn install(stage: &mut Stage<'_>) -> Result<Option<String>, RunError> {
    let script = stage.script;
    let (world, scenario, inventory, plan) = (script.world, script.scenario, script.inventory, script.plan);
    let (journal, progress) = (stage.journal, script.progress);
    stage.begin(Phase::Install, scenario.phases.install);
    stage
        .heeding(async {
            install::namespaces(world, journal, scenario, inventory, &plan.run).await?;
            Ok(install::claim(world, journal, scenario, plan).await?)
        })
        .await?;
    stage.renewal.spawn(install::renew(world.clone(), scenario.namespace.clone(), plan.clone()));
    let endpoint = stage
        .heeding(async {
            install::volumes(world, journal, scenario, inventory).await?;
            let adopted = |name: &str| plan::is_adopted(scenario, inventory, name);
            install::install_releases(world, journal, scenario, inventory, &plan.run, adopted).await?;
            install::size(journal, scenario, inventory)?;
            Ok(install::reach(world, journal, scenario, inventory, plan).await?)
        })
        .await?;
    world.bundle.cover().url(&endpoint.url);
    progress.line(&format!("load goes to {} ({})", endpoint.url, endpoint.by));
    let deadline = world.clock.now_ms() + scenario.phases.install.ms();
    stage.until(|bench| bench.view().target_not_ready(deadline).filter(|_| !bench.is_settled())).await?;
    if settled(stage) || !stage.look(|bench| bench.view().is_target_ready()) {
        stage.end(Phase::Install);
        return Ok(None);
    }
    // A server that is Ready and fails all the same is not waited for as long as an image is.
    let patience = world.clock.now_ms() + budget(stage, &["pod start"]).ms();
    stage.heeding(first_chat(script, &endpoint.url, deadline.min(patience))).await?;
    stage.end(Phase::Install);
    Ok(Some(endpoint.url))
}

/// One good chat through the Service, tried until it is good: kube-proxy may still be at work, the model still loading.
/// That it never was is not an error here: the load will say so with exact counts.
async fn first_chat(script: &super::Script<'_>, url: &str, deadline: u64) -> Result<(), RunError> {
    let world = script.world;
    let caller = Caller::new(world.http.clone(), world.clock, script.scenario.load.clone(), url)?;
    loop {
        let turn = Turn { id: u64::MAX - 1, worker: 0, due_us: world.clock.now_us() };
        let record = load::chat(&caller, turn, std::future::pending(), &mut ()).await;
        let lasting = matches!(record.outcome, Outcome::Good | Outcome::Http4xx | Outcome::BadJson);
        if lasting || world.clock.now_ms() >= deadline {
            let seen = load::as_seen(&record);
            let words = seen.error.clone().unwrap_or_else(|| format!("{} tokens", seen.tokens));
            script.progress.line(&format!("first chat: {words}"));
            world.book.note(Seen::Probe(seen), None);
            return Ok(());
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn metric(stage: &mut Stage<'_>, chat_ended_ms: u64) -> Result<(), RunError> {
    stage.begin(Phase::Metric, budget(stage, &["metric served"]));
    stage.until_ruled(&[whole(Check::PodsRequestAccelerators), whole(Check::MetricServed)]).await?;
    if settled(stage) {
        stage.end(Phase::Metric);
        return Ok(());
    }
    // The load of the model and of the first chat has to pass by, or the HPA would begin by scaling up.
    let deadline = stage.world().clock.now_ms() + budget(stage, &["metric falls back"]).ms();
    stage.until(|bench| bench.view().still_busy(chat_ended_ms, deadline)).await?;
    stage.end(Phase::Metric);
    Ok(())
}

async fn autoscaler(stage: &mut Stage<'_>) -> Result<(), RunError> {
    let script = stage.script;
    stage.begin(Phase::Autoscaler, budget(stage, &["autoscaler active"]));
    let journal = stage.journal;
    stage.heeding(async { Ok(install::apply_hpa(script.world, journal, script.scenario, script.plan).await?) }).await?;
    stage.until_ruled(&[whole(Check::AutoscalerActive)]).await?;
    stage.end(Phase::Autoscaler);
    Ok(())
}

async fn idle(stage: &mut Stage<'_>) -> Result<(), RunError> {
    stage.begin(Phase::Idle, budget(stage, &["idle baseline"]));
    stage.until_ruled(&[whole(Check::IdleHolds)]).await?;
    stage.end(Phase::Idle);
    Ok(())
}

async fn rise(stage: &mut Stage<'_>, url: &str) -> Result<(), RunError> {
    stage.begin(Phase::Rise, budget(stage, &["metric follows the load", "replicas rise", "pod start", AWAY]));
    stage.load = Some(load::start(stage.world(), &stage.script.scenario.load, url)?);
    let parts = [Part::MetricRises, whole(Check::ReplicasRise), whole(Check::NewPodsRunOnAccelerators)];
    probes::until_ruled(stage, &parts).await?;
    stage.end(Phase::Rise);
    Ok(())
}

async fn hold(stage: &mut Stage<'_>) -> Result<(), RunError> {
    stage.begin(Phase::Hold, budget(stage, &["hold", AWAY]));
    probes::until_ruled(stage, &[whole(Check::HoldSteady), whole(Check::NewPodsServe)]).await?;
    stage.end(Phase::Hold);
    Ok(())
}

async fn fall(stage: &mut Stage<'_>) -> Result<(), RunError> {
    // The load ends first: the phase is the time without it.
    stage.take_load().await?;
    stage.begin(Phase::Fall, budget(stage, &["replicas fall"]));
    let judged = [Check::ReplicasFall, Check::ByTheAutoscaler, Check::DecisionsExplained];
    stage.until_ruled(&[&[Part::MetricFalls][..], &judged.map(whole)].concat()).await?;
    let quiet = stage.look(|bench| bench.rule(Check::ReplicasFall).state == State::Holds);
    stage.script.progress.line(if quiet { "replicas are back at min" } else { "replicas are not back at min" });
    stage.end(Phase::Fall);
    Ok(())
}
