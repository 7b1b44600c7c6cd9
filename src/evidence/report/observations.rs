//! What the cases cite, in the order in which it was seen.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::cases::shown_citations;
use super::describe::{describe_observation, observation_kind};
use super::oracle;
use super::time_format::format_run_time;
use crate::evidence::FinishedRun;

/// The longest line of words: messages of the cluster have no bound.
const MAX_TEXT_CHARS: usize = 400;

pub(super) fn render(ending: &FinishedRun<'_>) -> Markup {
    let changes = ending.prediction.changes.iter().take(oracle::MAX_ROWS).map(|change| change.seq);
    let all: BTreeSet<u64> = ending.verdict.cases.iter().flat_map(shown_citations).chain(changes).collect();
    let seen = ending.timeline.iter().filter(|observation| all.contains(&observation.seq));
    html! {
        section id="observations" {
            h2 { "Observations that the cases cite" }
            p.hint {
                "Numbers are those of timeline.jsonl, times are of the run's own clock. Where something carries a time of its
                own, by the cluster's clock, it stands below. " (ending.timeline.len()) " observations were made in all."
            }
            div.wide { table.seen.stack {
                thead { tr { th { "No." } th { "time" } th { "what" } th { "seen" } } }
                tbody {
                    @for one in seen {
                        tr id={ "o" (one.seq) } {
                            td.n { (one.seq) }
                            td.n {
                                (format_run_time(one.at_ms))
                                @if let Some(source) = one.source_time { br; small { (source.strftime("%T")) } }
                            }
                            td.what { (observation_kind(one)) }
                            td { (truncate_text(&describe_observation(one))) }
                        }
                    }
                }
            } }
        }
    }
}

/// A text that is cut where it is too long, which shows.
pub(super) fn truncate_text(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
