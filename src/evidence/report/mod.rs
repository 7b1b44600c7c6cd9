//! report.html: one self-contained page about a run. It loads no script, font or picture, and its Content Security Policy
//! forbids them, since a bundle may come from an attacker. The template escapes every text; only our style sheet is
//! written raw.

mod bounds;
mod cases;
mod chart;
mod describe;
mod events;
mod figures;
mod load;
mod observations;
mod oracle;
mod pods;
mod report_model;
mod reproduce;
mod time_format;
mod verdict;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::finished_run::FinishedRun;
use crate::hidden_chars::replace_hidden;
use report_model::ReportModel;

const STYLE: &str = include_str!("style.css");

/// The sections in their order: id and title.
const SECTIONS: [(&str, &str); 10] = [
    ("cases", "Cases"),
    ("timeline", "Timeline"),
    ("events", "Phases, events and gaps"),
    ("figures", "Figures"),
    ("oracle", "Replica changes"),
    ("pods", "Pods"),
    ("load", "Load"),
    ("bounds", "Bounds"),
    ("observations", "Observations cited"),
    ("reproduce", "How to reproduce"),
];

/// Renders report.html. Pure: the same records always give the same bytes, so a review can compare them.
#[must_use]
pub fn render_report(run: &FinishedRun<'_>) -> String {
    let model = ReportModel::from_run(run);
    replace_hidden(&render_page(run, &model).into_string(), &['\n', '\t'])
}

fn render_page(run: &FinishedRun<'_>, model: &ReportModel<'_>) -> Markup {
    let title = format!("{}: {}", run.verdict.suite, run.verdict.title());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @for stamp in run.verdict.stamps() { div.stamp { p { (stamp.as_str()) ": " (stamp.limitation()) " · run " (run.plan.run) } } }
                main {
                    (verdict::render(run))
                    nav { @for (id, name) in SECTIONS { a href={ "#" (id) } { (name) } } }
                    (cases::render(run.verdict))
                    (chart_section(run, model))
                    (events::render(model))
                    (figures::render(run))
                    (oracle::render(run))
                    (pods::render(model))
                    (load::render(run))
                    (bounds::render(run))
                    (observations::render(run))
                    (reproduce::render(run))
                }
            }
        }
    }
}

fn chart_section(run: &FinishedRun<'_>, model: &ReportModel<'_>) -> Markup {
    html! {
        section id="timeline" {
            h2 { "Timeline" }
            @if let Some(reason) = model.not_started {
                p { "The run did not start, and nothing was changed: " (reason) }
            } @else if run.timeline.is_empty() {
                p { "Nothing was observed." }
            } @else {
                p.hint {
                    "All panels share one time axis: minutes and seconds of the run's own clock. Arrows and the vertical lines below them are changes of the
                    target's spec.replicas (dashed: not attributed to the HPA); the ticks below the arrows are the HPA's events and Warning events. Hover
                    over the chart to see the values at a time."
                }
                (chart::render(run, model))
            }
        }
    }
}

/// Forbids to load, run or send anything; admits our style sheet by its digest.
fn content_security_policy() -> String {
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}
