//! report.html: one file that shows a run to somebody who was not there. It asks for nothing: no script, no font, no picture
//! from elsewhere, and a policy that forbids them. Every text goes through the template's escaping; none is written raw but
//! the style sheet, which is ours.

mod bounds;
mod cases;
mod chart;
mod describe;
mod events;
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

use super::FinishedRun;
use report_model::ReportModel;

const STYLE: &str = include_str!("style.css");

/// The sections in their order, each by its id.
const SECTIONS: [(&str, &str); 9] = [
    ("cases", "Cases"),
    ("course", "The run over time"),
    ("events", "Phases, events and gaps"),
    ("oracle", "What the algorithm allows"),
    ("pods", "Pods"),
    ("load", "Load"),
    ("bounds", "Bounds"),
    ("observations", "Observations cited"),
    ("reproduce", "How to reproduce"),
];

/// The whole page. Pure: the same records always give the same bytes.
#[must_use]
pub fn render_report(ending: &FinishedRun<'_>) -> String {
    let course = ReportModel::from_run(ending);
    strip_hidden_chars(&render_page(ending, &course).into_string())
}

/// Text without what a reader could not see: control characters, and those that turn the direction of what follows, with
/// which a name can be made to look like another one.
fn strip_hidden_chars(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

fn render_page(ending: &FinishedRun<'_>, course: &ReportModel<'_>) -> Markup {
    let title = format!("{}: {}", ending.verdict.suite, ending.verdict.title());
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
                @for stamp in ending.verdict.stamps() { div.stamp { p { (stamp.as_str()) ": " (stamp.limitation()) " · run " (ending.plan.run) } } }
                main {
                    (verdict::render(ending))
                    nav { @for (id, name) in SECTIONS { a href={ "#" (id) } { (name) } } }
                    (cases::render(ending.verdict))
                    (chart_section(ending, course))
                    (events::render(course))
                    (oracle::render(ending))
                    (pods::render(course))
                    (load::render(ending))
                    (bounds::render(ending))
                    (observations::render(ending))
                    (reproduce::render(ending))
                }
            }
        }
    }
}

fn chart_section(ending: &FinishedRun<'_>, course: &ReportModel<'_>) -> Markup {
    html! {
        section id="course" {
            h2 { "The run over time" }
            @if let Some(why) = course.not_started {
                p { "The run did not begin, and nothing was changed: " (why) }
            } @else if ending.timeline.is_empty() {
                p { "Nothing was observed." }
            } @else {
                p.hint {
                    "One axis for all: minutes and seconds of the run's own clock. Flags and the lines below them are changes of the target's size (dashed:
                    not by the autoscaler); ticks under the flags are the HPA's events and warnings. Point at the picture for the values of a moment."
                }
                (chart::render(ending, course))
            }
        }
    }
}

/// Nothing may be fetched, run or sent; of styles only ours is taken, by its digest.
fn content_security_policy() -> String {
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}
