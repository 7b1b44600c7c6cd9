//! `gpuhpa rehearse`: the same run against a simulated cluster, in virtual time.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::watch;

use super::console::new_table;
use super::session::{OutputArgs, RunSession};
use super::sweep::{SweepRange, sweep};
use super::{CliExit, Console, ScenarioArgs};
use crate::clock::{RunClock, Stopwatch};
use crate::env::{Bundle, RunEnv};
use crate::model::inventory::{Inventory, SimulationInfo};
use crate::model::run_records::RunRecords;
use crate::model::scenario::Scenario;
use crate::run::{self, EPOCH, ReceivedSignals, RunForecast};
use crate::scenario;
use crate::sim::faults::{self, FaultSpec};
use crate::sim::params::{self, PARAMS};
use crate::sim::{self, SimConfig};
use crate::units::HumanDuration;

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub(super) struct RehearseArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Seed of everything that chance decides in the simulated cluster; the same seed gives the same bundle
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Accelerators of the simulated cluster [default: one for each replica that the HPA may come to]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    gpus: Option<u16>,
    /// Something of the simulated cluster, by name; `list` shows them all
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A fault of the simulated cluster, or a disturbance that is none, by name; `list` shows them all
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    /// One load after the other instead of a run, and what the HPA makes of each
    #[arg(long, value_name = "concurrency=FROM..TO", conflicts_with_all = ["fault", "report_dir", "junit"])]
    sweep: Option<SweepRange>,
    /// How long each load of a sweep lasts
    #[arg(long = "for", value_name = "TIME", default_value = "30m", requires = "sweep")]
    length: HumanDuration,
}

/// A runtime whose clock is virtual: it jumps to the next moment at which something happens.
pub(super) fn virtual_time_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

/// Has to run on [`runtime`].
pub(super) async fn rehearse(args: &RehearseArgs) -> CliExit {
    if args.fault.as_deref() == Some("list") {
        let row = |fault: &'static FaultSpec| [fault.name, fault.description];
        print_list(["fault", "what is wrong"], faults::all().map(row));
        return print_list(["disturbance, no fault", "what happens"], faults::tolerated().map(row));
    }
    if args.set.iter().any(|set| set == "list") {
        return print_list(["name", "what is set"], PARAMS.iter().map(|knob| [knob.name, knob.description]));
    }
    let clock = RunClock::start_at(EPOCH);
    let no_run = |error: String| args.output.report_not_started(clock, &error);
    let scenario = match scenario::load(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => return no_run(error.to_string()),
    };
    let (setting, simulated) = match build_sim_config(args, &scenario) {
        Ok(set) => set,
        Err(error) => return no_run(error),
    };
    if let Some(of) = args.sweep {
        return sweep(of, args.length, &setting, &scenario).await;
    }
    let dir = args.output.report_dir.clone().unwrap_or_else(|| PathBuf::from("reports").join("rehearsal"));
    let bundle = match create_bundle(&dir) {
        Ok(bundle) => bundle.with_redactor(super::new_redactor()).without_sync(),
        Err(error) => return no_run(error),
    };
    run_rehearsal(args, scenario, setting, simulated, bundle).await
}

async fn run_rehearsal(
    args: &RehearseArgs,
    scenario: Scenario,
    setting: SimConfig,
    simulated: SimulationInfo,
    bundle: Bundle,
) -> CliExit {
    let (clock, real) = (RunClock::start_at(EPOCH), Stopwatch::start());
    let platform = sim::start(setting, &scenario, clock);
    let bundle = platform.limit_bundle(&bundle);
    let world = platform.env(&scenario, &bundle);
    let mut desk = RunSession::new(&args.output, scenario, bundle, clock, run::run_id(EPOCH));
    // Nobody sends a signal to a simulated run; the sender has to live all the same.
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    let exit = match desk.prepare(&world, &run::simulated_cluster(simulated)).await {
        Ok(kept) => {
            let exit = desk.execute(&world, &kept, signals).await;
            Console::print_data(&format_forecast(&compute_forecast(&desk, &world)));
            exit
        }
        Err(refused) => desk.abort(&refused),
    };
    let simulated = HumanDuration::from_ms(clock.now_ms() / 1000 * 1000);
    let took = real.elapsed_ms();
    Console::print_message(&format!(
        "REHEARSAL: {simulated} of a simulated cluster in {took} ms; no evidence about any platform"
    ));
    exit
}

/// The platform that was asked for, and how a reader is told of it.
fn build_sim_config(args: &RehearseArgs, scenario: &Scenario) -> Result<(SimConfig, SimulationInfo), String> {
    let mut setting = SimConfig::from_scenario(scenario, args.seed);
    let gpus = args.gpus.map(|count| format!("gpus={count}"));
    let set: Vec<String> = gpus.into_iter().chain(args.set.iter().cloned()).collect();
    for text in &set {
        params::set_param(&mut setting, text).map_err(|why| format!("--set {why}"))?;
    }
    let fault = args
        .fault
        .as_deref()
        .map(|name| faults::find(name).ok_or_else(|| format!("there is no fault `{name}`; --fault list shows them")));
    let fault: Option<&FaultSpec> = fault.transpose()?;
    if let Some(fault) = fault {
        (fault.inject)(&mut setting);
    }
    let fault = fault.map(|fault| fault.name.to_owned());
    Ok((setting, SimulationInfo { seed: args.seed, params: set, fault }))
}

/// A folder for the bundle. That of an earlier rehearsal is replaced: it can be had again at any time.
fn create_bundle(dir: &Path) -> Result<Bundle, String> {
    let inventory = std::fs::read(dir.join("inventory.json")).ok();
    let inventory: Option<Inventory> = inventory.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if inventory.is_some_and(|inventory| inventory.simulated.is_some()) {
        std::fs::remove_dir_all(dir).map_err(|e| format!("could not replace {}: {e}", dir.display()))?;
    }
    Bundle::create(dir).map_err(|e| e.to_string())
}

fn compute_forecast(desk: &RunSession<'_>, world: &RunEnv) -> RunForecast {
    let (scenario, inventory) = (&desk.scenario, &desk.prepared.inventory);
    let per_pod = inventory.charts.values().find_map(|chart| chart.target_resources.as_ref());
    let per_pod = per_pod.map_or(0, |resources| resources.values().sum());
    world.timeline.with_observations(|timeline| {
        run::forecast_run(RunRecords::without_changes(scenario, inventory, timeline), per_pod)
    })
}

/// What only a rehearsal can know.
fn format_forecast(forecast: &RunForecast) -> String {
    let moment = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
    let sizes: Vec<String> =
        forecast.replicas.iter().map(|(at, size)| format!("{size} from {}", moment(*at))).collect();
    let phases: Vec<String> = forecast
        .phase_durations
        .iter()
        .map(|(phase, ms)| format!("{} {}", phase.as_str(), HumanDuration::from_ms(ms / 1000 * 1000)))
        .collect();
    let mut table = new_table(&["rehearsed", ""]);
    table.add_row(["replicas", &if sizes.is_empty() { "they did not change".to_owned() } else { sizes.join(", ") }]);
    let turns = format!("{} changes of direction under load", forecast.direction_changes);
    table.add_row(["flapping", if forecast.direction_changes == 0 { "none" } else { &turns }]);
    let hours = format!("{:.2} accelerator hours, {} pods at most", forecast.accelerator_hours, forecast.max_pods);
    table.add_row(["cost", &hours]);
    table.add_row(["time", &phases.join(", ")]);
    format!("{table}\n")
}

/// A list for people.
fn print_list<'a>(header: [&str; 2], rows: impl Iterator<Item = [&'a str; 2]>) -> CliExit {
    let mut table = new_table(&header);
    for row in rows {
        table.add_row(row);
    }
    Console::print_data(&format!("{table}\n"))
}
