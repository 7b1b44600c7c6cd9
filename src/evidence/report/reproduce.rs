//! How to reproduce the run, and what this file can and cannot show.

use maud::{Markup, html};

use crate::evidence::Ending;

pub(super) fn reproduce(ending: &Ending<'_>) -> Markup {
    let Ending { scenario, inventory, .. } = ending;
    let by_path = scenario.releases.values().any(|release| release.chart.starts_with(['.', '/']));
    html! {
        section id="reproduce" {
            h2 { "How to reproduce" }
            dl {
                dt { "Kubernetes" } dd { (inventory.kubernetes) " at " (inventory.server) " (context " (inventory.context) ")" }
                dt { "gpuhpa, helm" } dd { (inventory.gpuhpa) ", " (inventory.helm) }
                @for (name, chart) in &inventory.charts {
                    dt { "release " (name) }
                    dd {
                        "chart " (chart.name) " " (chart.version) " (app " (chart.app_version) "), rendered manifests sha256 "
                        code { (chart.rendered_digest) }
                    }
                }
            }
            pre { (ending.inventory.command()) }
            @if by_path {
                p { "A chart that is a path is not in this folder: name it anew in a file that " code { "extends: scenario.yaml" } "." }
            }
            p {
                "This page is drawn from the records beside it: timeline.jsonl, journal.jsonl, load.json, verdict.json, scenario.yaml,
                inventory.json and plan.json. They count where the two differ. Digests in manifest.json show accidents, not forgery."
            }
            p { "Only the programme's own review certifies a platform; this is " (ending.inventory.is_evidence()) "." }
        }
    }
}
