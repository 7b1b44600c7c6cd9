//! Section Bounds: the time bounds of the checks, each with its terms and their sources.

use maud::{Markup, html};

use crate::evidence::finished_run::FinishedRun;
use crate::model::plan::{TermSource, TimeBound};
use crate::units::HumanDuration;

pub(super) fn render(run: &FinishedRun<'_>) -> Markup {
    let plan = run.plan;
    html! {
        section id="bounds" {
            h2 { "Bounds" }
            p.hint {
                "Each bound is a sum of named terms: read from the cluster, assumed, or the harness' own. A FAIL that would pass with every assumed term
                doubled is reported as INCONCLUSIVE. The bounds are those of the plan; where the run read a term that the plan assumed, the case
                states the bound that it used."
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
            @if !run.did_not_start() {
                p {
                    "The run took " (whole_seconds(run.verdict.duration_ms)) " from the start of its first phase to the end of its last. A complete run takes
                    at least " (HumanDuration::from_ms(run.verdict.min_duration_ms)) " from the HPA's creation on."
                }
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

fn whole_seconds(ms: u64) -> HumanDuration {
    HumanDuration::from_ms(ms / 1000 * 1000)
}
