//! How to reproduce the run, and what this file can and cannot show.

use maud::{Markup, html};

use crate::evidence::FinishedRun;

pub(super) fn render(ending: &FinishedRun<'_>) -> Markup {
    let FinishedRun { scenario, inventory, .. } = ending;
    let by_path = scenario.releases.values().any(|release| release.chart.starts_with(['.', '/']));
    html! {
        section id="reproduce" {
            h2 { "How to reproduce" }
            dl {
                dt { "Kubernetes" } dd { (inventory.kubernetes_version) " at " (inventory.server) " (context " (inventory.kube_context) ")" }
                dt { "gpuhpa, helm" } dd { (inventory.gpuhpa_version) ", " (inventory.helm_version) }
                @for (name, chart) in &inventory.charts {
                    dt { "release " (name) }
                    dd {
                        "chart " (chart.name) " " (chart.version) " (app " (chart.app_version) "), rendered manifests sha256 "
                        code { (chart.rendered_digest) }
                    }
                }
            }
            pre { (ending.inventory.reproduce_command()) }
            @if by_path {
                p { "A chart that is a path is not in this folder: name it anew in a file that " code { "extends: scenario.yaml" } "." }
            }
            p {
                "This page is drawn from the records beside it: timeline.jsonl, journal.jsonl, load.json, verdict.json, scenario.yaml,
                inventory.json and plan.json. They count where the two differ. Digests in manifest.json show accidents, not forgery."
            }
            p { "Only the programme's own review certifies a platform; this is " (ending.inventory.evidence_statement()) "." }
        }
    }
}
