//! Section Observations: what the cases cite, in the order of receipt.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::cases::shown_citations;
use super::describe::{describe_observation, observation_kind};
use super::oracle;
use super::time_format::format_run_time;
use crate::evidence::finished_run::FinishedRun;

/// Longest text shown, in characters: messages from the cluster have no limit.
const MAX_TEXT_CHARS: usize = 400;

pub(super) fn render(run: &FinishedRun<'_>) -> Markup {
    let changes = run.prediction.changes.iter().take(oracle::MAX_ROWS).map(|change| change.seq);
    let cited: BTreeSet<u64> = run.verdict.cases.iter().flat_map(shown_citations).chain(changes).collect();
    let shown = run.timeline.iter().filter(|observation| cited.contains(&observation.seq));
    let labels = &run.scenario.metric.profile_or_generic().labels;
    html! {
        section id="observations" {
            h2 { "Observations that the cases cite" }
            p.hint {
                code { "seq" } " is the number in timeline.jsonl, time is of the run's own clock. Below it, in UTC: the time that the observed object itself states, by the
                cluster's clock. timeline.jsonl has " (run.timeline.len()) " observations in total."
            }
            div.wide { table.observations.stack {
                thead { tr { th { "seq" } th { "time" } th { "kind" } th { "observation" } } }
                tbody {
                    @for observation in shown {
                        tr id={ "o" (observation.seq) } {
                            td.n { (observation.seq) }
                            td.n {
                                (format_run_time(observation.at_ms))
                                @if let Some(source) = observation.source_time { br; small { (source.strftime("%T")) } }
                            }
                            td.kind { (observation_kind(observation)) }
                            td { (truncate_text(&describe_observation(observation, labels))) }
                        }
                    }
                }
            } }
        }
    }
}

/// The text, cut with an ellipsis after `MAX_TEXT_CHARS`.
pub(super) fn truncate_text(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
