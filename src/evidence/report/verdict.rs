//! The first thing on the page: the verdict, why, and of what.

use maud::{Markup, html};

use super::cases::result_badge;
use crate::evidence::FinishedRun;

pub(super) fn render(ending: &FinishedRun<'_>) -> Markup {
    let FinishedRun { scenario, inventory, plan, verdict, .. } = ending;
    let (mark, class) = result_badge(verdict.result);
    let target = &scenario.hpa.spec.scale_target_ref;
    html! {
        header {
            p.suite { (verdict.suite) " · CNCF AI Conformance " code { "pod_autoscaling" } }
            div.verdict.(class) {
                span.mark aria-hidden="true" { (mark) }
                h1 { (verdict.title()) }
            }
            p.reason { (verdict.reason) }
            @for stamp in verdict.stamps() {
                div.stand-in { p { strong { (stamp.as_str()) } " " (stamp.statement()) ". This is " (stamp.limitation()) "." } }
            }
            @if !verdict.restored { p.bad { "Not restored: something that the run made, or changed, is not as it was before. See Cleanup/Restored." } }
            dl.facts {
                dt { "run" } dd { (plan.run) ", begun " (inventory.started.strftime("%F %T UTC")) }
                dt { "scenario" } dd { b { (scenario.name) } ": " (scenario.description) }
                dt { "target" } dd {
                    (target.kind) " " (scenario.namespace) "/" (target.name) ", " (scenario.hpa.spec.min_replicas.unwrap_or(1)) " to "
                    (scenario.hpa.spec.max_replicas) " replicas; the load must lead to " (plan.expected_replicas)
                }
                dt { "platform" } dd { "Kubernetes " (inventory.kubernetes_version) " at " (inventory.server) }
            }
            @if !plan.errors.is_empty() {
                h2.declared { "Why nothing was begun" }
                ul { @for refusal in &plan.errors { li { (refusal.message) ". " i { (refusal.hint) } } } }
            }
            @if !scenario.declares.is_empty() {
                h2.declared { "Declared by the scenario" }
                ul { @for declared in &scenario.declares { li { (declared) } } }
            }
            @if !plan.warnings.is_empty() {
                h2.declared { "What the plan warned of" }
                ul { @for warning in &plan.warnings { li { (warning) } } }
            }
        }
    }
}
