//! Section How to reproduce: versions, command, and what this page can and cannot prove.

use maud::{Markup, html};

use crate::evidence::finished_run::FinishedRun;

pub(super) fn render(run: &FinishedRun<'_>) -> Markup {
    let FinishedRun { scenario, inventory, .. } = run;
    let has_local_chart = scenario.releases.values().any(|release| release.chart.starts_with(['.', '/']));
    html! {
        section id="reproduce" {
            h2 { "How to reproduce" }
            dl {
                @if let Some(platform) = inventory.platform() { dt { "platform" } dd { (platform) } }
                dt { "versions" } dd { (inventory.tool_versions()) }
                @for (name, chart) in &inventory.charts {
                    dt { "release " (name) }
                    dd {
                        "chart " (chart.name) " " (chart.version) " (app " (chart.app_version) "), rendered manifests sha256 "
                        code { (chart.rendered_digest) }
                    }
                }
            }
            pre { (run.inventory.reproduce_command()) }
            @if has_local_chart {
                p { "Local charts are not in this folder: set their path in a file that " code { "extends: scenario.yaml" } "." }
            }
            p {
                "This page is rendered from the records beside it: timeline.jsonl, journal.jsonl, load.json, verdict.json, scenario.yaml,
                inventory.json and plan.json. If the page and the records differ, the records count. The digests in manifest.json detect corruption, not forgery."
            }
            p { (run.evidence_statement()) " Only the programme's review certifies a platform." }
        }
    }
}
