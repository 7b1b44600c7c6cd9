//! `gpuhpa plan`: the changes that verify would make, and whether it can pass; with `--offline` as far as that needs no cluster.
//! Changes nothing.

use clap::{Args, ValueEnum};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;

use super::console::new_table;
use super::{CliExit, ClusterArgs, Console, ScenarioArgs, environment, hints};
use crate::clock::RunClock;
use crate::env::Bundle;
use crate::live::HelmBinary;
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::Inventory;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;
use crate::plan::SurveyError;
use crate::run::{self, ClusterIdentity, PreparedRun};
use crate::units::HumanDuration;
use crate::{live, plan as planning, scenario};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Without a cluster: all that scenario and charts show by themselves
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"])]
    offline: bool,
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
    let loaded = match scenario::load_with_places(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => return Console::print_error(&error.to_string(), hints::scenario(&error), CliExit::Usage),
    };
    let scenario::LoadedScenario { scenario, hpa_beside_adopt } = loaded;
    if args.output == PlanFormat::Yaml {
        return match serde_saphyr::to_string(&scenario) {
            Ok(text) => Console::print_yaml(&text),
            Err(error) => Console::print_error(&error.to_string(), None, CliExit::Internal),
        };
    }
    let clock = RunClock::start();
    if args.offline {
        return plan_offline(args, &scenario, clock).await;
    }
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => {
            return Console::print_error(&error.to_string(), Some(error.hint()), CliExit::Usage);
        }
    };
    let discarding = Bundle::discarding();
    let env = match environment::build_env(&args.cluster, &cluster, &scenario, clock, &discarding) {
        Ok(env) => env,
        Err(error) => return Console::print_error(&error, None, CliExit::Internal),
    };
    let identity = ClusterIdentity { context: cluster.context, server: cluster.server, simulated: None };
    let prepared = run::prepare(&env, &scenario, &run::run_id(clock.wall_start()), &identity).await;
    let PreparedRun { scenario: resolved, inventory, plan } = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let (exit, hint) = survey_failure(&error);
            return Console::print_error(&error.to_string(), Some(hint), exit);
        }
    };
    let unused = hpa_beside_adopt.and_then(|place| run::describe_unused_hpa(&place, &scenario, &resolved));
    if let Some(text) = unused {
        Console::print_message(&Console::fit_lines(&format!("warning: {text}")));
    }
    print_result(args, &resolved, &inventory, &plan)
}

/// The plan as far as it needs no cluster.
async fn plan_offline(args: &PlanArgs, scenario: &Scenario, clock: RunClock) -> CliExit {
    if let Some(what) = find_adopted_problem(scenario) {
        let hint = "state its spec as `hpa.spec` beside `adopt` (`kubectl get hpa -o yaml` shows it, and the scenario.yaml of a bundle has it), or plan without --offline";
        return Console::print_error(&what, Some(hint), CliExit::Usage);
    }
    let helm = HelmBinary { binary: args.cluster.helm.clone(), kubeconfig: None, context: None };
    match planning::survey_offline(&helm, scenario, clock.wall_start()).await {
        Ok(inventory) => {
            let plan = planning::plan(scenario, &inventory, &run::run_id(clock.wall_start()));
            print_result(args, scenario, &inventory, &plan)
        }
        Err(error) => {
            let (exit, hint) = survey_failure(&error);
            Console::print_error(&error.to_string(), Some(hint), exit)
        }
    }
}

/// Why the HPA that a scenario adopts cannot be planned without its cluster: `hpa.spec` has to stand for it.
fn find_adopted_problem(scenario: &Scenario) -> Option<String> {
    let HpaSource::Adopted(name) = scenario.hpa_source() else { return None };
    let subject = format!("the spec of the adopted HPA {name}, which is in the cluster,");
    if scenario.hpa.spec == HorizontalPodAutoscalerSpec::default() {
        return Some(format!("{subject} is not known without it"));
    }
    let problems = scenario::find_hpa_problems(scenario);
    let texts: Vec<String> = problems.iter().map(|one| format!("{}: {}", one.field, one.message)).collect();
    (!texts.is_empty())
        .then(|| format!("{subject} is taken from `hpa.spec`, which cannot be tested: {}", texts.join("; ")))
}

/// Prints the plan; the exit code says whether the run can pass.
fn print_result(args: &PlanArgs, scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> CliExit {
    if args.output == PlanFormat::Json {
        if let failed @ CliExit::Internal = Console::print_json(plan) {
            return failed;
        }
    } else {
        print_plan(scenario, inventory, plan);
    }
    match (inventory.hpa_served, plan.errors.is_empty()) {
        (false, _) => Console::print_error(
            "the platform does not serve autoscaling/v2",
            Some(hints::NO_HPA_API),
            CliExit::NotApplicable,
        ),
        (true, false) => CliExit::Usage,
        (true, true) => CliExit::Ok,
    }
}

/// Exit code and hint of a survey that failed: without the API server no verdict is possible; a missing chart or helm is a
/// usage error.
pub(super) fn survey_failure(error: &SurveyError) -> (CliExit, &'static str) {
    match error {
        SurveyError::Cluster { .. } => {
            (CliExit::Inconclusive, "is the cluster reachable with this kubeconfig and context?")
        }
        SurveyError::Chart { .. } => {
            (CliExit::Usage, "check chart, repo, version and values of this release in the scenario")
        }
        SurveyError::Helm(_) => (CliExit::Usage, "install helm 3 or 4 on PATH, or set its path with --helm"),
    }
}

/// Context, server and every change: what verify prints before its prompt. The longest duration only where `verbose`: it adds up
/// every bound with doubled assumptions, installation and clean-up, which no healthy run needs.
pub(super) fn format_changes(inventory: &Inventory, plan: &Plan, verbose: bool) -> String {
    let Inventory { kube_context: context, server, kubernetes_version: kubernetes, .. } = inventory;
    let changes = plan.changes.iter().enumerate().map(|(n, change)| format!("  {}. {change}", n + 1));
    let warnings = plan.warnings.iter().map(|warning| format!("warning: {warning}"));
    let header = if inventory.offline.is_some() {
        let is_adopting = plan.changes.iter().any(|change| change.starts_with("adopt, "));
        let only = if is_adopting { " but what is adopted" } else { "" };
        format!("no cluster (--offline); on one where nothing of this exists yet{only}, verify would:")
    } else {
        format!("context {context} at {server} (Kubernetes {kubernetes})")
    };
    let footer = format!("{}; run {}", format_duration(plan, verbose), plan.run);
    let lines: Vec<String> = std::iter::once(header).chain(changes).chain(warnings).chain([footer]).collect();
    lines.join("\n")
}

/// The likely duration, then its limits.
fn format_duration(plan: &Plan, with_longest: bool) -> String {
    let [min, max] = [plan.min_duration_ms, plan.max_duration_ms].map(HumanDuration::from_ms);
    let longest = if with_longest { format!(", at most {max} with installation and clean-up") } else { String::new() };
    format!("likely about {} from the HPA's creation (at least {min}{longest})", round_likely(plan.likely_duration_ms))
}

/// An estimate without more digits than it is worth: whole minutes, or tens of seconds below five minutes.
fn round_likely(ms: u64) -> HumanDuration {
    let unit_ms = if ms >= 300_000 { 60_000 } else { 10_000 };
    HumanDuration::from_ms((ms + unit_ms / 2) / unit_ms * unit_ms)
}

/// The sizes that the metric can reach. Without its range nothing is known but the size at which the run begins.
fn format_reachable(scenario: &Scenario, plan: &Plan) -> String {
    if scenario.metric.value_range().is_none() || plan.metric.is_none() {
        return "unknown: the metric's range is not known".to_owned();
    }
    plan.reachable_replicas.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}

fn print_plan(scenario: &Scenario, inventory: &Inventory, plan: &Plan) {
    Console::print_message(&Console::fit_lines(&format_changes(inventory, plan, false)));
    let capacity = &plan.accelerators;
    let free = capacity.free.map_or("not readable".to_owned(), |free| free.to_string());
    let mut summary = new_table(&["", "value"]);
    summary.add_row(["replicas that the metric can reach", &format_reachable(scenario, plan)]);
    summary.add_row(["replicas expected", &plan.expected_replicas.to_string()]);
    summary.add_row([
        "accelerators",
        &match &capacity.resource {
            Some(resource) if inventory.offline.is_some() => {
                format!("{} needed of {resource}; how many are free was not looked at", capacity.needed)
            }
            Some(resource) => format!("{} needed, {free} free of {resource}", capacity.needed),
            None if planning::knows_target(inventory) => format!("{} needed, {free} free of -", capacity.needed),
            None => "not looked at".to_owned(),
        },
    ]);
    summary.add_row(["duration", &format_duration(plan, true)]);
    if inventory.offline.is_none() {
        let granted = inventory.permissions.iter().filter(|permission| permission.allowed).count();
        summary.add_row(["permissions", &format!("{granted} of {} granted", inventory.permissions.len())]);
    }
    for (name, api) in &inventory.metrics_apis {
        summary.add_row([name.as_str(), &format!("served by {}, available: {}", api.service, api.available)]);
    }
    for (name, lines) in [("pulls", &plan.pulls), ("not looked at", &plan.not_looked_at)] {
        if !lines.is_empty() {
            summary.add_row([name, &lines.join("\n")]);
        }
    }
    let mut bounds = new_table(&["bound", "length and terms"]);
    for bound in &plan.bounds {
        // Without a cluster nothing was read: the scenario states these terms.
        let read = if inventory.offline.is_some() { "stated" } else { "read" };
        bounds.add_row([bound.name.to_string(), bound.describe(read)]);
    }
    Console::print_data(&format!("{summary}\n{bounds}\n"));
    for problem in &plan.errors {
        Console::print_error(
            &format!("this run cannot pass: {}", problem.message),
            Some(&problem.hint),
            CliExit::Usage,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_duration_comes_first_and_the_longest_only_on_request() {
        let plan = Plan {
            min_duration_ms: 735_000,
            likely_duration_ms: 915_000,
            max_duration_ms: 7_239_000,
            ..Plan::default()
        };
        let likely = "likely about 15m from the HPA's creation (at least 12m15s";
        assert_eq!(format_duration(&plan, false), format!("{likely})"));
        assert_eq!(format_duration(&plan, true), format!("{likely}, at most 120m39s with installation and clean-up)"));
        assert_eq!(round_likely(111_000).to_string(), "1m50s");
    }
}
