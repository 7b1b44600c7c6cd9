//! `gpuhpa rehearse`: the same run against a simulated cluster, in virtual time.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::watch;

use super::console::table;
use super::desk::{Desk, OutputArgs};
use super::sweep::{Sweep, sweep};
use super::{Console, Exit, ScenarioArgs};
use crate::clock::{Clock, Stopwatch};
use crate::record::inventory::{Inventory, Simulated};
use crate::record::records::Records;
use crate::record::scenario::Scenario;
use crate::run::{self, EPOCH, Forecast, Signals};
use crate::scenario;
use crate::sim::faults::{self, Fault};
use crate::sim::knobs::{self, KNOBS};
use crate::sim::{self, Setting};
use crate::units::Span;
use crate::world::{Bundle, World};

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
    sweep: Option<Sweep>,
    /// How long each load of a sweep lasts
    #[arg(long = "for", value_name = "TIME", default_value = "30m", requires = "sweep")]
    length: Span,
}

/// A runtime whose clock is virtual: it jumps to the next moment at which something happens.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

/// Has to run on [`runtime`].
pub(super) async fn rehearse(args: &RehearseArgs) -> Exit {
    if args.fault.as_deref() == Some("list") {
        let row = |fault: &'static Fault| [fault.name, fault.what];
        listed(["fault", "what is wrong"], faults::all().map(row));
        return listed(["disturbance, no fault", "what happens"], faults::mild().map(row));
    }
    if args.set.iter().any(|set| set == "list") {
        return listed(["name", "what is set"], KNOBS.iter().map(|knob| [knob.name, knob.what]));
    }
    let clock = Clock::start_at(EPOCH);
    let no_run = |error: String| args.output.no_run(clock, &error);
    let scenario = match scenario::load(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => return no_run(error.to_string()),
    };
    let (setting, simulated) = match setting(args, &scenario) {
        Ok(set) => set,
        Err(error) => return no_run(error),
    };
    if let Some(of) = args.sweep {
        return sweep(of, args.length, &setting, &scenario).await;
    }
    let dir = args.output.report_dir.clone().unwrap_or_else(|| PathBuf::from("reports").join("rehearsal"));
    let bundle = match folder(&dir) {
        Ok(bundle) => bundle.covered(super::cover()).unsynced(),
        Err(error) => return no_run(error),
    };
    perform(args, scenario, setting, simulated, bundle).await
}

async fn perform(
    args: &RehearseArgs,
    scenario: Scenario,
    setting: Setting,
    simulated: Simulated,
    bundle: Bundle,
) -> Exit {
    let (clock, real) = (Clock::start_at(EPOCH), Stopwatch::start());
    let platform = sim::begin(setting, &scenario, clock);
    let bundle = platform.disk(&bundle);
    let world = platform.world(&scenario, &bundle);
    let mut desk = Desk::new(&args.output, scenario, bundle, clock, run::run_id(EPOCH));
    // Nobody sends a signal to a simulated run; the sender has to live all the same.
    let (_sender, signals) = watch::channel(Signals::default());
    let exit = match desk.prepare(&world, &run::place(simulated)).await {
        Ok(kept) => {
            let exit = desk.perform(&world, &kept, signals).await;
            Console::data(&shown(&forecast(&desk, &world)));
            exit
        }
        Err(refused) => desk.give_up(&refused),
    };
    let simulated = Span::from_ms(clock.now_ms() / 1000 * 1000);
    let took = real.ms();
    Console::say(&format!(
        "REHEARSAL: {simulated} of a simulated cluster in {took} ms; no evidence about any platform"
    ));
    exit
}

/// The platform that was asked for, and how a reader is told of it.
fn setting(args: &RehearseArgs, scenario: &Scenario) -> Result<(Setting, Simulated), String> {
    let mut setting = Setting::of(scenario, args.seed);
    let gpus = args.gpus.map(|count| format!("gpus={count}"));
    let set: Vec<String> = gpus.into_iter().chain(args.set.iter().cloned()).collect();
    for text in &set {
        knobs::set(&mut setting, text).map_err(|why| format!("--set {why}"))?;
    }
    let fault = args
        .fault
        .as_deref()
        .map(|name| faults::find(name).ok_or_else(|| format!("there is no fault `{name}`; --fault list shows them")));
    let fault: Option<&Fault> = fault.transpose()?;
    if let Some(fault) = fault {
        (fault.spoil)(&mut setting);
    }
    let fault = fault.map(|fault| fault.name.to_owned());
    Ok((setting, Simulated { seed: args.seed, set, fault }))
}

/// A folder for the bundle. That of an earlier rehearsal is replaced: it can be had again at any time.
fn folder(dir: &Path) -> Result<Bundle, String> {
    let inventory = std::fs::read(dir.join("inventory.json")).ok();
    let inventory: Option<Inventory> = inventory.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if inventory.is_some_and(|inventory| inventory.simulated.is_some()) {
        std::fs::remove_dir_all(dir).map_err(|e| format!("could not replace {}: {e}", dir.display()))?;
    }
    Bundle::create(dir).map_err(|e| e.to_string())
}

fn forecast(desk: &Desk<'_>, world: &World) -> Forecast {
    let (scenario, inventory) = (&desk.scenario, &desk.prepared.inventory);
    let per_pod = inventory.charts.values().find_map(|chart| chart.target_resources.as_ref());
    let per_pod = per_pod.map_or(0, |resources| resources.values().sum());
    world.book.read(|timeline| run::forecast(Records::unchanged(scenario, inventory, timeline), per_pod))
}

/// What only a rehearsal can know.
fn shown(forecast: &Forecast) -> String {
    let moment = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
    let sizes: Vec<String> = forecast.sizes.iter().map(|(at, size)| format!("{size} from {}", moment(*at))).collect();
    let phases: Vec<String> = forecast
        .phases
        .iter()
        .map(|(phase, ms)| format!("{} {}", phase.name(), Span::from_ms(ms / 1000 * 1000)))
        .collect();
    let mut table = table(&["rehearsed", ""]);
    table.add_row(["replicas", &if sizes.is_empty() { "they did not change".to_owned() } else { sizes.join(", ") }]);
    let turns = format!("{} changes of direction under load", forecast.turns);
    table.add_row(["flapping", if forecast.turns == 0 { "none" } else { &turns }]);
    let hours = format!("{:.2} accelerator hours, {} pods at most", forecast.accelerator_hours, forecast.most_pods);
    table.add_row(["cost", &hours]);
    table.add_row(["time", &phases.join(", ")]);
    format!("{table}\n")
}

/// A list for people.
fn listed<'a>(header: [&str; 2], rows: impl Iterator<Item = [&'a str; 2]>) -> Exit {
    let mut table = table(&header);
    for row in rows {
        table.add_row(row);
    }
    Console::data(&format!("{table}\n"))
}
