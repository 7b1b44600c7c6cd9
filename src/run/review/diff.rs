//! Compares two bundles: two releases of a platform, two platforms, two versions of gpuhpa. Changes are marked.

use std::collections::BTreeMap;

use serde::Serialize;

use super::BundleReview;
use crate::evidence::LoadedBundle;
use crate::model::figures::{FigureValue, NamedFigure, RunFigures};
use crate::model::load::LoadReport;
use crate::model::observation::{ObservationKind, Phase, PhaseEdge};
use crate::model::plan::TimeBound;
use crate::model::verdict::CaseResult;
use crate::units::HumanDuration;

/// Figures that differ by less than this share are not marked, percent: two runs on one platform differ by as much.
const NOISE_PERCENT: u64 = 10;

/// A line of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DiffRow {
    /// What it belongs to: bundle, case, time, figure, bound, version, load.
    pub(crate) section: &'static str,
    /// What is compared.
    pub(crate) item: String,
    /// In the first bundle.
    pub(crate) a: String,
    /// In the second.
    pub(crate) b: String,
    /// How they differ; absent where they do not, or where a figure differs by less than the noise.
    pub(crate) change: Option<String>,
}

/// Both bundles with their reviews.
type DiffSides<'a> = [(&'a LoadedBundle, &'a BundleReview); 2];

/// Compares two bundles that were reviewed.
#[must_use]
pub(crate) fn diff_bundles(a: (&LoadedBundle, &BundleReview), b: (&LoadedBundle, &BundleReview)) -> Vec<DiffRow> {
    let sides = [a, b];
    let mut rows = bundle_rows(&sides);
    rows.extend(case_rows(&sides));
    rows.extend(figure_rows("time", &sides.map(|(held, review)| phase_durations(held, review))));
    rows.extend(figure_rows("figure", &sides.map(|(_, review)| scaling_figures(&review.verdict.figures))));
    rows.extend(fact_rows("bound", &sides.map(|(held, _)| held.plan.bounds.iter().map(bound_fact).collect())));
    rows.extend(fact_rows("version", &sides.map(|(held, _)| version_facts(held))));
    rows.extend(load_rows(&sides));
    rows
}

/// A figure: its value, and how it is shown.
type DiffFigure = (u64, String);

fn bundle_rows(sides: &DiffSides<'_>) -> Vec<DiffRow> {
    let facts = sides.map(|(held, review)| {
        vec![
            ("run".to_owned(), held.manifest.run.clone()),
            ("scenario".to_owned(), held.scenario.name.clone()),
            ("format, rules".to_owned(), format!("{}, {}", review.format, review.rules)),
            ("soundness".to_owned(), review.statement.clone()),
            ("verdict".to_owned(), review.verdict.title()),
            ("reason".to_owned(), review.verdict.reason.clone()),
        ]
    });
    fact_rows("bundle", &facts)
}

/// Results, with the reason of those that are no PASS.
fn case_rows(sides: &DiffSides<'_>) -> Vec<DiffRow> {
    let results = |review: &BundleReview| -> BTreeMap<String, (CaseResult, String)> {
        let one = |case: &crate::model::verdict::Case| {
            let why = if case.result == CaseResult::Pass { String::new() } else { format!(": {}", case.reason) };
            (case.name.clone(), (case.result, format!("{}{why}", case.result_label())))
        };
        review.verdict.cases.iter().map(one).collect()
    };
    let of = sides.map(|(_, review)| results(review));
    // In the order of a run; both verdicts were derived here, so that they have the same cases.
    let row = |name: &String| {
        let side = |n: usize| of[n].get(name).map_or(String::new(), |(_, text)| text.clone());
        let result = |n: usize| of[n].get(name).map(|(result, _)| *result);
        let change = (result(0) != result(1)).then(|| "changed".to_owned());
        DiffRow { section: "case", item: name.clone(), a: side(0), b: side(1), change }
    };
    sides[0].1.verdict.cases.iter().map(|case| row(&case.name)).collect()
}

/// How long each phase took, and the run.
fn phase_durations(held: &LoadedBundle, review: &BundleReview) -> Vec<(String, DiffFigure)> {
    let mut began: BTreeMap<Phase, u64> = BTreeMap::new();
    let mut all = Vec::new();
    for observation in &held.timeline {
        let ObservationKind::Phase(mark) = &observation.kind else { continue };
        match mark.edge {
            PhaseEdge::Began => {
                began.insert(mark.phase, observation.at_ms);
            }
            PhaseEdge::Ended => {
                let took = began.get(&mark.phase).map_or(0, |began| observation.at_ms.saturating_sub(*began));
                all.push((format!("phase {}", mark.phase.as_str()), duration_figure(took)));
            }
        }
    }
    all.push(("whole run".to_owned(), duration_figure(review.verdict.duration_ms)));
    all
}

fn scaling_figures(figures: &RunFigures) -> Vec<(String, DiffFigure)> {
    let shown = |figure: NamedFigure| {
        let compared = match figure.value {
            FigureValue::Ms(ms) => duration_figure(ms),
            FigureValue::Micros(us) => duration_figure(us / 1000),
            FigureValue::Count(count) => count_figure(count),
            // A metric below 0 is compared by its size.
            FigureValue::Milli(value) => (value.0.unsigned_abs(), value.to_string()),
        };
        (figure.title, compared)
    };
    figures.named().into_iter().map(shown).collect()
}

fn bound_fact(bound: &TimeBound) -> (String, String) {
    (bound.name.to_string(), HumanDuration::from_ms(bound.total_ms()).to_string())
}

fn duration_figure(ms: u64) -> DiffFigure {
    let shown = if ms >= 10_000 { ms / 1000 * 1000 } else { ms };
    (ms, HumanDuration::from_ms(shown).to_string())
}

fn version_facts(held: &LoadedBundle) -> Vec<(String, String)> {
    let inventory = &held.inventory;
    let mut all = vec![
        ("Kubernetes".to_owned(), inventory.kubernetes_version.clone()),
        ("gpuhpa".to_owned(), inventory.gpuhpa_build()),
        ("helm".to_owned(), inventory.helm_version.clone()),
        ("server".to_owned(), inventory.server.clone()),
    ];
    for (name, chart) in &inventory.charts {
        all.push((format!("release {name}"), format!("{} {} (app {})", chart.name, chart.version, chart.app_version)));
        all.push((format!("release {name} as rendered"), chart.rendered_digest.chars().take(12).collect()));
    }
    all
}

fn load_rows(sides: &DiffSides<'_>) -> Vec<DiffRow> {
    let facts = sides.map(|(held, _)| held.load.as_ref().map(load_facts).unwrap_or_default());
    let mut rows = fact_rows("load", &facts);
    rows.extend(figure_rows("load", &sides.map(|(held, _)| held.load.as_ref().map(load_figures).unwrap_or_default())));
    rows
}

fn load_facts(load: &LoadReport) -> Vec<(String, String)> {
    vec![
        ("workers".to_owned(), load.concurrency.to_string()),
        ("limited by the client".to_owned(), load.client_bound.clone().unwrap_or("no".to_owned())),
    ]
}

fn load_figures(load: &LoadReport) -> Vec<(String, DiffFigure)> {
    let took_ms = load.ended_ms.saturating_sub(load.began_ms).max(1);
    let mut all: Vec<(String, DiffFigure)> = vec![("requests".to_owned(), count_figure(load.requests))];
    all.extend(load.outcomes.iter().map(|(name, count)| (name.clone(), count_figure(*count))));
    all.push(("tokens per second".to_owned(), count_figure(load.tokens.saturating_mul(1000) / took_ms)));
    for (name, quantiles) in [("time to first token", &load.ttft_us), ("whole request", &load.duration_us)] {
        all.push((format!("{name}, p50"), duration_figure(quantiles.p50 / 1000)));
        all.push((format!("{name}, p99"), duration_figure(quantiles.p99 / 1000)));
    }
    all
}

fn count_figure(value: u64) -> DiffFigure {
    (value, value.to_string())
}

/// Every name of either side, in the order of the first and then of the second.
fn all_names<T>(sides: &[Vec<(String, T)>; 2]) -> Vec<&String> {
    let mut all: Vec<&String> = sides[0].iter().map(|(name, _)| name).collect();
    for (name, _) in &sides[1] {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn find_by_name<'a, T>(side: &'a [(String, T)], name: &str) -> Option<&'a T> {
    side.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// Rows of texts: any difference counts.
fn fact_rows(part: &'static str, sides: &[Vec<(String, String)>; 2]) -> Vec<DiffRow> {
    let row = |name: &String| {
        let [a, b] = sides.each_ref().map(|side| find_by_name(side, name).cloned().unwrap_or_default());
        let change = (a != b).then(|| "changed".to_owned());
        DiffRow { section: part, item: name.clone(), a, b, change }
    };
    all_names(sides).into_iter().map(row).collect()
}

/// Rows of figures: a difference beyond that of two like runs counts.
fn figure_rows(part: &'static str, sides: &[Vec<(String, DiffFigure)>; 2]) -> Vec<DiffRow> {
    let row = |name: &String| {
        let [a, b] = sides.each_ref().map(|side| find_by_name(side, name));
        let shown = |figure: Option<&DiffFigure>| figure.map_or(String::new(), |(_, text)| text.clone());
        let change = match (a, b) {
            (Some((a, _)), Some((b, _))) => relative_change(*a, *b),
            _ => Some("only in one".to_owned()),
        };
        DiffRow { section: part, item: name.clone(), a: shown(a), b: shown(b), change }
    };
    all_names(sides).into_iter().map(row).collect()
}

/// By how much the second figure differs from the first, if that is more than chance.
fn relative_change(a: u64, b: u64) -> Option<String> {
    let apart = u128::from(a.abs_diff(b)) * 100;
    if apart <= u128::from(a.max(b)) * u128::from(NOISE_PERCENT) {
        return None;
    }
    let sign = if b > a { '+' } else { '-' };
    Some(match apart.checked_div(u128::from(a)) {
        Some(percent) => format!("{sign}{percent}%"),
        None => "from nothing".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_alike_are_not_marked() {
        let cases = [
            (100, 110, None),
            (100, 112, Some("+12%")),
            (100, 50, Some("-50%")),
            (0, 0, None),
            (0, 3, Some("from nothing")),
        ];
        for (a, b, told) in cases {
            assert_eq!(relative_change(a, b).as_deref(), told, "{a} {b}");
        }
    }

    #[test]
    fn a_name_of_one_side_only_is_told() {
        let side =
            |names: &[(&str, u64)]| names.iter().map(|(n, v)| ((*n).to_owned(), count_figure(*v))).collect::<Vec<_>>();
        let rows =
            figure_rows("load", &[side(&[("succeeded", 5), ("dns", 1)]), side(&[("succeeded", 5), ("truncated", 2)])]);
        let told: Vec<_> = rows.iter().map(|row| (row.item.as_str(), row.change.as_deref())).collect();
        assert_eq!(told, [("succeeded", None), ("dns", Some("only in one")), ("truncated", Some("only in one"))]);
    }
}
