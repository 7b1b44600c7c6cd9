//! The bounds that the checks used, each with its terms and where they come from.

use maud::{Markup, html};

use crate::evidence::FinishedRun;
use crate::model::plan::{TermSource, TimeBound};
use crate::units::HumanDuration;

pub(super) fn render(ending: &FinishedRun<'_>) -> Markup {
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
                        td.n { (HumanDuration::from_ms(bound.total_ms())) }
                        td.n { (HumanDuration::from_ms(bound.lenient_ms())) }
                        td { (render_terms(bound)) }
                    }
                } }
            } }
            p {
                "The run took " (whole_seconds(ending.verdict.duration_ms)) " from its first phase to its last; nothing could make the part from the HPA on shorter than "
                (HumanDuration::from_ms(ending.verdict.min_duration_ms)) "."
            }
        }
    }
}

fn render_terms(bound: &TimeBound) -> Markup {
    html! {
        @for (n, term) in bound.terms.iter().enumerate() {
            @if n > 0 { " + " }
            (term.name) " " (HumanDuration::from_ms(term.ms)) " " i.term { "(" (source_label(term.source)) ")" }
        }
    }
}

fn source_label(source: TermSource) -> &'static str {
    match source {
        TermSource::Read => "read",
        TermSource::Assumed => "assumed",
        TermSource::Harness => "harness",
    }
}

/// Whole seconds.
fn whole_seconds(ms: u64) -> HumanDuration {
    HumanDuration::from_ms(ms / 1000 * 1000)
}
