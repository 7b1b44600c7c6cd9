//! Head of the page: verdict, reason, run, scenario, target and platform.

use maud::{Markup, html};

use super::cases::result_badge;
use crate::evidence::finished_run::FinishedRun;
use crate::model::verdict::{NOT_RESTORED, RESTORED_CASE};

pub(super) fn render(run: &FinishedRun<'_>) -> Markup {
    let FinishedRun { scenario, inventory, plan, verdict, .. } = run;
    let (sign, class) = result_badge(verdict.result);
    let target = &scenario.hpa.spec.scale_target_ref;
    html! {
        header {
            p.suite { (verdict.suite) " · CNCF AI Conformance " code { "pod_autoscaling" } }
            div.verdict.(class) {
                span.mark aria-hidden="true" { (sign) }
                h1 { (verdict.title()) }
            }
            p.reason { (verdict.reason) }
            @for stamp in verdict.stamps() {
                div.stand-in { p { strong { (stamp.as_str()) } " " (stamp.statement()) ". This is " (stamp.limitation()) "." } }
            }
            @if !verdict.restored { p.bad { (NOT_RESTORED) ": the run left an object or a change behind. See " (RESTORED_CASE) "." } }
            dl.facts {
                dt { "run" } dd { (plan.run) ", started " (inventory.started.strftime("%F %T UTC")) }
                dt { "scenario" } dd { b { (scenario.name) } @if !scenario.description.is_empty() { ": " (scenario.description) } }
                dt { "target" } dd {
                    (target.kind) " " (scenario.namespace) "/" (target.name) ", " (scenario.hpa.spec.min_replicas.unwrap_or(1)) " to "
                    (scenario.hpa.spec.max_replicas) " replicas"
                    @if plan.expected_replicas > 0 { "; expected under load: " (plan.expected_replicas) }
                }
                @if let Some(platform) = inventory.platform() { dt { "platform" } dd { (platform) } }
                @for node in inventory.describe_accelerator_nodes() { dt { "node" } dd { (node) } }
            }
            @if !plan.errors.is_empty() {
                h2.subhead { "Why the run did not start" }
                ul { @for error in &plan.errors { li { (error.message) ". " i { (error.hint) } } } }
            }
            @if !scenario.declares.is_empty() {
                h2.subhead { "Declared by the scenario" }
                ul { @for declared in &scenario.declares { li { (declared) } } }
            }
            @if !plan.warnings.is_empty() {
                h2.subhead { "Preflight warnings" }
                ul { @for warning in &plan.warnings { li { (warning) } } }
            }
        }
    }
}
