//! `gpuhpa plan`: what verify would do, and whether it can pass at all. Changes nothing.

use clap::{Args, ValueEnum};

use super::console::table;
use super::{ClusterArgs, Console, Exit, ScenarioArgs, doors};
use crate::clock::Clock;
use crate::plan::SurveyError;
use crate::record::inventory::Inventory;
use crate::record::plan::Plan;
use crate::units::Span;
use crate::world::Bundle;
use crate::{live, plan as planning, scenario};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// table: for people; json: the plan for programs; yaml: the scenario with every default filled in
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
    Yaml,
}

pub(super) async fn plan(args: &PlanArgs) -> Exit {
    let scenario = match scenario::load(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => return Console::error(&error.to_string(), None, Exit::Usage),
    };
    if args.output == Output::Yaml {
        return match serde_saphyr::to_string(&scenario) {
            Ok(text) => Console::data(&text),
            Err(error) => Console::error(&error.to_string(), None, Exit::Internal),
        };
    }
    let clock = Clock::start();
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => {
            let hint = "name a kubeconfig with --kubeconfig, or a context with --context";
            return Console::error(&error.to_string(), Some(hint), Exit::Usage);
        }
    };
    // A plan writes nothing.
    let nowhere = Bundle::nowhere();
    let world = match doors::world(&args.cluster, &cluster, &scenario, clock, &nowhere) {
        Ok(world) => world,
        Err(error) => return Console::error(&error, None, Exit::Internal),
    };
    let mut inventory = match planning::survey(&world, &scenario).await {
        Ok(inventory) => inventory,
        Err(error) => {
            let (exit, hint) = unsurveyed(&error);
            return Console::error(&error.to_string(), Some(hint), exit);
        }
    };
    inventory.context = cluster.context;
    inventory.server = cluster.server;
    let made = planning::plan(&scenario, &inventory, &crate::run::run_id(clock.started()));
    if args.output == Output::Json {
        match serde_json::to_string_pretty(&made) {
            Ok(text) => Console::data(&format!("{text}\n")),
            Err(error) => return Console::error(&error.to_string(), None, Exit::Internal),
        };
    } else {
        show(&inventory, &made);
    }
    match (inventory.hpa_served, made.refusals.is_empty()) {
        (false, _) => Console::error("the platform does not serve autoscaling/v2", None, Exit::NotApplicable),
        (true, false) => Exit::Usage,
        (true, true) => Exit::Ok,
    }
}

/// Exit code and hint of a survey that failed: a cluster that does not answer tells nothing, a chart or a helm that is
/// not there is the user's to mend.
pub(super) fn unsurveyed(error: &SurveyError) -> (Exit, &'static str) {
    match error {
        SurveyError::Cluster { .. } => {
            (Exit::Inconclusive, "is the cluster reachable with this kubeconfig and context?")
        }
        SurveyError::Chart { .. } => (Exit::Usage, "check chart, repo and version of this release in the scenario"),
        SurveyError::Helm(_) => (Exit::Usage, "put helm 3 or 4 on PATH, or name it with --helm"),
    }
}

/// Context, server and every change: what verify shows before it asks.
pub(super) fn changes(inventory: &Inventory, plan: &Plan) -> String {
    let Inventory { context, server, kubernetes, .. } = inventory;
    let changes = plan.changes.iter().enumerate().map(|(n, change)| format!("  {}. {change}", n + 1));
    let warnings = plan.warnings.iter().map(|warning| format!("warning: {warning}"));
    let first = format!("context {context} at {server} (Kubernetes {kubernetes})");
    let (least, longest) = (Span::from_ms(plan.least_ms), Span::from_ms(plan.longest_ms));
    let last = format!("at least {least} and at most {longest} from the HPA on; run {}", plan.run);
    let lines: Vec<String> = std::iter::once(first).chain(changes).chain(warnings).chain([last]).collect();
    lines.join("\n")
}

fn show(inventory: &Inventory, plan: &Plan) {
    Console::say(&changes(inventory, plan));
    let sizes: Vec<String> = plan.reachable.iter().map(ToString::to_string).collect();
    let capacity = &plan.accelerators;
    let free = capacity.free.map_or("not readable".to_owned(), |free| free.to_string());
    let mut facts = table(&["", "value"]);
    facts.add_row(["sizes that the metric can lead to", &sizes.join(" → ")]);
    facts.add_row(["replicas expected", &plan.expect.to_string()]);
    facts.add_row([
        "accelerators",
        &format!("{} needed, {free} free of {}", capacity.needed, capacity.resource.as_deref().unwrap_or("-")),
    ]);
    let held = inventory.rights.iter().filter(|right| right.allowed).count();
    facts.add_row(["rights", &format!("{held} of {} held", inventory.rights.len())]);
    for (name, api) in &inventory.metrics_apis {
        facts.add_row([name.as_str(), &format!("served by {}, available: {}", api.service, api.available)]);
    }
    let mut bounds = table(&["bound", "length and terms"]);
    for bound in &plan.bounds {
        bounds.add_row([bound.name.clone(), bound.to_string()]);
    }
    Console::data(&format!("{facts}\n{bounds}\n"));
    for refusal in &plan.refusals {
        Console::error(&format!("this run cannot pass: {}", refusal.what), Some(&refusal.hint), Exit::Usage);
    }
}
