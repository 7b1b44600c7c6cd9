//! The bounds that the checks used, each with its terms and where they come from.

use maud::{Markup, html};

use crate::evidence::Ending;
use crate::record::plan::{Bound, TermSource};
use crate::units::Span;

pub(super) fn bounds(ending: &Ending<'_>) -> Markup {
    let plan = ending.plan;
    html! {
        section id="bounds" {
            h2 { "Bounds" }
            p.hint {
                "Each bound is a sum of named terms. A FAIL that would not stand with every assumed term doubled is said to be INCONCLUSIVE. They are
                those of the plan; where a run reads a term that the plan assumed, the case names the bound it used."
            }
            div.wide { table.stack {
                thead { tr { th { "bound" } th { "sum" } th { "assumed terms doubled" } th { "terms" } } }
                tbody { @for bound in &plan.bounds {
                    tr {
                        th scope="row" { (bound.name) }
                        td.n { (Span::from_ms(bound.ms())) }
                        td.n { (Span::from_ms(bound.generous_ms())) }
                        td { (terms(bound)) }
                    }
                } }
            } }
            p {
                "The run took " (whole(ending.verdict.took_ms)) " from its first phase to its last; nothing could make the part from the HPA on shorter than "
                (Span::from_ms(ending.verdict.least_ms)) "."
            }
        }
    }
}

fn terms(bound: &Bound) -> Markup {
    html! {
        @for (n, term) in bound.terms.iter().enumerate() {
            @if n > 0 { " + " }
            (term.name) " " (Span::from_ms(term.ms)) " " i.term { "(" (source(term.source)) ")" }
        }
    }
}

fn source(source: TermSource) -> &'static str {
    match source {
        TermSource::Read => "read",
        TermSource::Assumed => "assumed",
        TermSource::Ours => "ours",
    }
}

/// Whole seconds.
fn whole(ms: u64) -> Span {
    Span::from_ms(ms / 1000 * 1000)
}
