//! What the cases cite, in the order in which it was seen.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::cases::cited;
use super::moment::moment;
use super::oracle;
use super::words::{kind, words};
use crate::evidence::Ending;

/// The longest line of words: messages of the cluster have no bound.
const LONGEST: usize = 400;

pub(super) fn table(ending: &Ending<'_>) -> Markup {
    let changes = ending.prediction.changes.iter().take(oracle::MOST).map(|change| change.seq);
    let all: BTreeSet<u64> = ending.verdict.cases.iter().flat_map(cited).chain(changes).collect();
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
                                (moment(one.at_ms))
                                @if let Some(source) = one.source { br; small { (source.strftime("%T")) } }
                            }
                            td.what { (kind(one)) }
                            td { (shortened(&words(one))) }
                        }
                    }
                }
            } }
        }
    }
}

/// A text that is cut where it is too long, which shows.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
