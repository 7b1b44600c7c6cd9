//! `gpuhpa plan`: what verify would do, and whether it can pass at all. Changes nothing.

use clap::{Args, ValueEnum};

use super::console::new_table;
use super::{CliExit, ClusterArgs, Console, ScenarioArgs, environment};
use crate::clock::RunClock;
use crate::env::Bundle;
use crate::model::inventory::Inventory;
use crate::model::plan::Plan;
use crate::plan::SurveyError;
use crate::units::HumanDuration;
use crate::{live, plan as planning, scenario};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// table: for people; json: the plan for programs; yaml: the scenario with every default filled in
    #[arg(short, long, value_enum, default_value_t = PlanFormat::Table)]
    output: PlanFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    Table,
    Json,
    Yaml,
}

pub(super) async fn plan(args: &PlanArgs) -> CliExit {
    let scenario = match scenario::load(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => return Console::print_error(&error.to_string(), None, CliExit::Usage),
    };
    if args.output == PlanFormat::Yaml {
        return match serde_saphyr::to_string(&scenario) {
            Ok(text) => Console::print_data(&text),
            Err(error) => Console::print_error(&error.to_string(), None, CliExit::Internal),
        };
    }
    let clock = RunClock::start();
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => {
            let hint = "name a kubeconfig with --kubeconfig, or a context with --context";
            return Console::print_error(&error.to_string(), Some(hint), CliExit::Usage);
        }
    };
    // A plan writes nothing.
    let nowhere = Bundle::discarding();
    let world = match environment::build_env(&args.cluster, &cluster, &scenario, clock, &nowhere) {
        Ok(world) => world,
        Err(error) => return Console::print_error(&error, None, CliExit::Internal),
    };
    let mut inventory = match planning::survey(&world, &scenario).await {
        Ok(inventory) => inventory,
        Err(error) => {
            let (exit, hint) = survey_failure(&error);
            return Console::print_error(&error.to_string(), Some(hint), exit);
        }
    };
    inventory.kube_context = cluster.context;
    inventory.server = cluster.server;
    let made = planning::plan(&scenario, &inventory, &crate::run::run_id(clock.wall_start()));
    if args.output == PlanFormat::Json {
        match serde_json::to_string_pretty(&made) {
            Ok(text) => Console::print_data(&format!("{text}\n")),
            Err(error) => return Console::print_error(&error.to_string(), None, CliExit::Internal),
        };
    } else {
        print_plan(&inventory, &made);
    }
    match (inventory.hpa_served, made.errors.is_empty()) {
        (false, _) => Console::print_error("the platform does not serve autoscaling/v2", None, CliExit::NotApplicable),
        (true, false) => CliExit::Usage,
        (true, true) => CliExit::Ok,
    }
}

/// Exit code and hint of a survey that failed: a cluster that does not answer tells nothing, a chart or a helm that is
/// not there is the user's to mend.
pub(super) fn survey_failure(error: &SurveyError) -> (CliExit, &'static str) {
    match error {
        SurveyError::Cluster { .. } => {
            (CliExit::Inconclusive, "is the cluster reachable with this kubeconfig and context?")
        }
        SurveyError::Chart { .. } => (CliExit::Usage, "check chart, repo and version of this release in the scenario"),
        SurveyError::Helm(_) => (CliExit::Usage, "put helm 3 or 4 on PATH, or name it with --helm"),
    }
}

/// Context, server and every change: what verify shows before it asks.
pub(super) fn format_changes(inventory: &Inventory, plan: &Plan) -> String {
    let Inventory { kube_context: context, server, kubernetes_version: kubernetes, .. } = inventory;
    let changes = plan.changes.iter().enumerate().map(|(n, change)| format!("  {}. {change}", n + 1));
    let warnings = plan.warnings.iter().map(|warning| format!("warning: {warning}"));
    let first = format!("context {context} at {server} (Kubernetes {kubernetes})");
    let (least, longest) = (HumanDuration::from_ms(plan.min_duration_ms), HumanDuration::from_ms(plan.max_duration_ms));
    let last = format!("at least {least} and at most {longest} from the HPA on; run {}", plan.run);
    let lines: Vec<String> = std::iter::once(first).chain(changes).chain(warnings).chain([last]).collect();
    lines.join("\n")
}

fn print_plan(inventory: &Inventory, plan: &Plan) {
    Console::print_message(&format_changes(inventory, plan));
    let sizes: Vec<String> = plan.reachable_replicas.iter().map(ToString::to_string).collect();
    let capacity = &plan.accelerators;
    let free = capacity.free.map_or("not readable".to_owned(), |free| free.to_string());
    let mut facts = new_table(&["", "value"]);
    facts.add_row(["sizes that the metric can lead to", &sizes.join(" → ")]);
    facts.add_row(["replicas expected", &plan.expected_replicas.to_string()]);
    facts.add_row([
        "accelerators",
        &format!("{} needed, {free} free of {}", capacity.needed, capacity.resource.as_deref().unwrap_or("-")),
    ]);
    let held = inventory.permissions.iter().filter(|right| right.allowed).count();
    facts.add_row(["rights", &format!("{held} of {} held", inventory.permissions.len())]);
    for (name, api) in &inventory.metrics_apis {
        facts.add_row([name.as_str(), &format!("served by {}, available: {}", api.service, api.available)]);
    }
    let mut bounds = new_table(&["bound", "length and terms"]);
    for bound in &plan.bounds {
        bounds.add_row([bound.name.clone(), bound.to_string()]);
    }
    Console::print_data(&format!("{facts}\n{bounds}\n"));
    for refusal in &plan.errors {
        Console::print_error(
            &format!("this run cannot pass: {}", refusal.message),
            Some(&refusal.hint),
            CliExit::Usage,
        );
    }
}
