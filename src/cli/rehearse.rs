//! `gpuhpa rehearse`: the same run against a simulated cluster, in virtual time.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::watch;

use super::console::new_table;
use super::session::{OutputArgs, PreflightFailure, RunSession};
use super::sweep::{SweepRange, sweep};
use super::{CliExit, Console, ScenarioArgs, hints};
use crate::clock::{RunClock, Stopwatch};
use crate::env::{Bundle, RunEnv, read_regular_file};
use crate::model::inventory::{Inventory, SimulationInfo};
use crate::model::run_records::RunRecords;
use crate::model::scenario::Scenario;
use crate::run::{self, EPOCH, ReceivedSignals, RunForecast};
use crate::scenario;
use crate::sim::config::SimConfig;
use crate::sim::faults::{self, FaultSpec};
use crate::sim::params::{self, PARAMS};
use crate::sim::{self, UnsupportedParts};
use crate::units::HumanDuration;

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub(super) struct RehearseArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Folder of the evidence; must not exist, be empty, or contain a rehearsal, which is replaced [default:
    /// reports/rehearsal]
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    /// Seed of every random choice in the simulated cluster; the same seed gives the same bundle
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Accelerators of the simulated cluster [default: one for each replica up to maxReplicas, at least 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    gpus: Option<u16>,
    /// A parameter of the simulated cluster, by name; `list` shows all
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A fault of the simulated cluster, or a tolerated disturbance, by name; `list` shows all
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    /// Instead of a run: a range of loads, and the replicas that the HPA sets for each
    #[arg(long, value_name = "concurrency=FROM..TO", conflicts_with_all = ["fault", "report_dir", "junit"])]
    sweep: Option<SweepRange>,
    /// Duration of each load of a sweep
    #[arg(long = "for", value_name = "TIME", default_value = "30m", requires = "sweep", value_parser = super::parse_time_limit)]
    length: HumanDuration,
}

/// What to do with a scenario that the simulator does not support.
const UNSUPPORTED_HINT: &str =
    "rehearse the scenario without it, in an overlay; plan and verify do not have this limit";

/// A runtime with a virtual clock, which jumps to the next timer.
pub(super) fn virtual_time_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

/// Must run on [`virtual_time_runtime`].
pub(super) async fn rehearse(args: &RehearseArgs) -> CliExit {
    if args.fault.as_deref() == Some("list") {
        let row = |fault: &'static FaultSpec| [fault.name, fault.description];
        print_list(["fault", "description"], faults::all().map(row));
        print_list(["fault with a scaledObject", "description"], faults::of_keda().map(row));
        print_list(["fault with resource claims", "description"], faults::of_dra().map(row));
        return print_list(["tolerated disturbance", "description"], faults::tolerated().map(row));
    }
    if args.set.iter().any(|set| set == "list") {
        return print_list(["name", "description"], PARAMS.iter().map(|param| [param.name, param.description]));
    }
    if let Err(exit) = args.output.check_junit_path() {
        return exit;
    }
    let clock = RunClock::start_at(EPOCH);
    let not_started = |error: &str, hint| args.output.report_not_started(clock, error, hint);
    let scenario = match scenario::load(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => return not_started(&error.to_string(), hints::scenario(&error)),
    };
    let (config, simulated) = match build_sim_config(args, &scenario) {
        Ok(built) => built,
        Err(error) => {
            return not_started(&error, Some("gpuhpa rehearse --set list and --fault list show what there is"));
        }
    };
    let lacks = sim::find_unsupported(&scenario);
    // Where only a series is missing, the plan may find why no cluster can pass.
    let is_decided = !lacks.releases.is_empty() || !lacks.scaled_object.is_empty() || args.sweep.is_some();
    if let Some(error) = lacks.message().filter(|_| is_decided) {
        return not_started(&error, Some(UNSUPPORTED_HINT));
    }
    if let Some(range) = args.sweep {
        return sweep(range, args.length, &config, &scenario).await;
    }
    let dir = args.report_dir.clone().unwrap_or_else(|| PathBuf::from("reports").join("rehearsal"));
    let bundle = match create_bundle(&dir) {
        Ok(bundle) => bundle.with_redactor(super::new_redactor()).without_sync(),
        Err(error) => return not_started(&error, Some(hints::REPORT_DIR)),
    };
    run_rehearsal(args, scenario, (config, simulated, lacks), bundle).await
}

async fn run_rehearsal(
    args: &RehearseArgs,
    scenario: Scenario,
    (config, simulated, lacks): (SimConfig, SimulationInfo, UnsupportedParts),
    bundle: Bundle,
) -> CliExit {
    let (clock, real) = (RunClock::start_at(EPOCH), Stopwatch::start());
    let platform = sim::start(config, &scenario, clock);
    let bundle = platform.limit_bundle(&bundle);
    let env = platform.env(&scenario, &bundle);
    let mut session = RunSession::new(&args.output, scenario, bundle, clock, run::run_id(EPOCH));
    // A rehearsal gets no signals, but the receiver needs a live sender.
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    let prepared = session.prepare(&env, &run::simulated_cluster(simulated)).await;
    let unsupported =
        || lacks.message().map(|text| PreflightFailure::new(text, Some(UNSUPPORTED_HINT), CliExit::Usage));
    let exit = match prepared.and_then(|redacted| unsupported().map_or(Ok(redacted), Err)) {
        Ok(redacted) => {
            let exit = session.execute(&env, &redacted, signals).await;
            Console::print_data(&format_forecast(&compute_forecast(&session, &env)));
            exit
        }
        Err(failure) => session.abort(&failure),
    };
    let simulated = HumanDuration::from_ms(clock.now_ms() / 1000 * 1000);
    let elapsed = real.elapsed_ms();
    Console::print_message(&format!(
        "REHEARSAL: {simulated} of a simulated cluster in {elapsed} ms; no evidence about any platform"
    ));
    exit
}

/// The simulation's configuration from the arguments, and its description for the evidence.
fn build_sim_config(args: &RehearseArgs, scenario: &Scenario) -> Result<(SimConfig, SimulationInfo), String> {
    let mut config = SimConfig::from_scenario(scenario, args.seed);
    let gpus = args.gpus.map(|count| format!("gpus={count}"));
    let params: Vec<String> = gpus.into_iter().chain(args.set.iter().cloned()).collect();
    for text in &params {
        params::set_param(&mut config, text).map_err(|error| format!("--set {error}"))?;
    }
    let fault = args
        .fault
        .as_deref()
        .map(|name| faults::find(name).ok_or_else(|| format!("unknown fault `{name}`; --fault list shows all")));
    let fault: Option<&FaultSpec> = fault.transpose()?;
    if let Some(fault) = fault {
        let needs_keda = faults::of_keda().any(|of_keda| of_keda.name == fault.name);
        if needs_keda && scenario.scaled_object.is_none() {
            return Err(format!("--fault {} needs a scenario with a scaledObject", fault.name));
        }
        (fault.inject)(&mut config);
    }
    if let Some(error) = config.find_contradiction() {
        return Err(error);
    }
    let fault = fault.map(|fault| fault.name.to_owned());
    Ok((config, SimulationInfo { seed: args.seed, params, fault }))
}

/// Creates the folder for the bundle. Replaces the bundle of an earlier rehearsal, which its seed reproduces.
fn create_bundle(dir: &Path) -> Result<Bundle, String> {
    const MAX_INVENTORY_BYTES: u64 = 16 << 20;
    let inventory = read_regular_file(&dir.join("inventory.json"), MAX_INVENTORY_BYTES).ok();
    let inventory: Option<Inventory> = inventory.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if inventory.is_some_and(|inventory| inventory.simulated.is_some()) {
        std::fs::remove_dir_all(dir).map_err(|e| format!("could not replace {}: {e}", dir.display()))?;
    }
    Bundle::create(dir).map_err(|e| e.to_string())
}

fn compute_forecast(session: &RunSession<'_>, env: &RunEnv) -> RunForecast {
    let (scenario, inventory) = (&session.prepared.scenario, &session.prepared.inventory);
    let per_pod = inventory.charts.values().find_map(|chart| chart.target_resources.as_ref());
    let per_pod = per_pod.map_or(0, |resources| resources.values().sum());
    env.timeline.with_observations(|timeline| {
        run::forecast_run(RunRecords::without_changes(scenario, inventory, timeline), per_pod)
    })
}

/// The forecast as a table.
fn format_forecast(forecast: &RunForecast) -> String {
    let time = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
    let history: Vec<String> =
        forecast.replicas.iter().map(|(at, replicas)| format!("{replicas} from {}", time(*at))).collect();
    let phases: Vec<String> = forecast
        .phase_durations
        .iter()
        .map(|(phase, ms)| format!("{} {}", phase.as_str(), HumanDuration::from_ms(ms / 1000 * 1000)))
        .collect();
    let mut table = new_table(&["rehearsal", ""]);
    table.add_row(["replicas", &if history.is_empty() { "unchanged".to_owned() } else { history.join(", ") }]);
    let direction_changes = format!("{} changes of direction under load", forecast.direction_changes);
    table.add_row(["oscillation", if forecast.direction_changes == 0 { "none" } else { &direction_changes }]);
    let cost = format!("{:.2} accelerator hours, {} pods at most", forecast.accelerator_hours, forecast.max_pods);
    table.add_row(["cost", &cost]);
    table.add_row(["time", &phases.join(", ")]);
    format!("{table}\n")
}

/// Prints a two-column table.
fn print_list<'a>(header: [&str; 2], rows: impl Iterator<Item = [&'a str; 2]>) -> CliExit {
    let mut table = new_table(&header);
    for row in rows {
        table.add_row(row);
    }
    Console::print_data(&format!("{table}\n"))
}
