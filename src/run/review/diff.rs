//! Two bundles side by side: two releases of a platform, two platforms, two versions of gpuhpa. What changed is marked.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Review;
use crate::evidence::Held;
use crate::record::load::LoadReport;
use crate::record::observation::{Edge, Phase, Seen};
use crate::record::plan::Bound;
use crate::record::verdict::CaseResult;
use crate::units::Span;

/// Figures that differ by less than this share are not marked, percent: two runs on one platform differ by as much.
const LIKE: u64 = 10;

/// A line of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it belongs to: bundle, case, time, bound, version, load.
    pub part: &'static str,
    /// What is compared.
    pub what: String,
    /// In the first bundle.
    pub a: String,
    /// In the second.
    pub b: String,
    /// How they differ; absent where they do not, or where a figure differs by no more than chance makes it.
    pub change: Option<String>,
}

/// What the two have to say.
type Sides<'a> = [(&'a Held, &'a Review); 2];

/// Compares two bundles that were reviewed.
#[must_use]
pub fn diff(a: (&Held, &Review), b: (&Held, &Review)) -> Vec<Row> {
    let sides = [a, b];
    let mut rows = bundles(&sides);
    rows.extend(cases(&sides));
    rows.extend(figures("time", &sides.map(|(held, review)| times(held, review))));
    rows.extend(words("bound", &sides.map(|(held, _)| held.plan.bounds.iter().map(bound).collect())));
    rows.extend(words("version", &sides.map(|(held, _)| versions(held))));
    rows.extend(load(&sides));
    rows
}

/// A figure: its value, and how it is shown.
type Figure = (u64, String);

fn bundles(sides: &Sides<'_>) -> Vec<Row> {
    let facts = sides.map(|(held, review)| {
        let differences: usize = review.checks.iter().map(|check| check.differences.len()).sum();
        let sound = if review.sound { "sound".to_owned() } else { format!("NOT SOUND: {differences} differences") };
        vec![
            ("run".to_owned(), held.manifest.run.clone()),
            ("scenario".to_owned(), held.scenario.name.clone()),
            ("soundness".to_owned(), sound),
            ("verdict".to_owned(), review.verdict.title()),
            ("reason".to_owned(), review.verdict.reason.clone()),
        ]
    });
    words("bundle", &facts)
}

/// Results, with the reason of those that are no PASS.
fn cases(sides: &Sides<'_>) -> Vec<Row> {
    let results = |review: &Review| -> BTreeMap<String, (CaseResult, String)> {
        let one = |case: &crate::record::verdict::Case| {
            let why = if case.result == CaseResult::Pass { String::new() } else { format!(": {}", case.reason) };
            (case.name.clone(), (case.result, format!("{}{why}", case.result.word())))
        };
        review.verdict.cases.iter().map(one).collect()
    };
    let of = sides.map(|(_, review)| results(review));
    // In the order of a run; both verdicts were derived here, so that they have the same cases.
    let row = |name: &String| {
        let side = |n: usize| of[n].get(name).map_or(String::new(), |(_, text)| text.clone());
        let result = |n: usize| of[n].get(name).map(|(result, _)| *result);
        let change = (result(0) != result(1)).then(|| "changed".to_owned());
        Row { part: "case", what: name.clone(), a: side(0), b: side(1), change }
    };
    sides[0].1.verdict.cases.iter().map(|case| row(&case.name)).collect()
}

/// How long each phase took, and the run.
fn times(held: &Held, review: &Review) -> Vec<(String, Figure)> {
    let mut began: BTreeMap<Phase, u64> = BTreeMap::new();
    let mut all = Vec::new();
    for observation in &held.timeline {
        let Seen::Phase(mark) = &observation.seen else { continue };
        match mark.edge {
            Edge::Began => {
                began.insert(mark.phase, observation.at_ms);
            }
            Edge::Ended => {
                let took = began.get(&mark.phase).map_or(0, |began| observation.at_ms.saturating_sub(*began));
                all.push((format!("phase {}", mark.phase.name()), span(took)));
            }
        }
    }
    all.push(("whole run".to_owned(), span(review.verdict.took_ms)));
    all
}

fn bound(bound: &Bound) -> (String, String) {
    (bound.name.clone(), Span::from_ms(bound.ms()).to_string())
}

fn span(ms: u64) -> Figure {
    let shown = if ms >= 10_000 { ms / 1000 * 1000 } else { ms };
    (ms, Span::from_ms(shown).to_string())
}

fn versions(held: &Held) -> Vec<(String, String)> {
    let inventory = &held.inventory;
    let mut all = vec![
        ("Kubernetes".to_owned(), inventory.kubernetes.clone()),
        ("gpuhpa".to_owned(), inventory.gpuhpa.clone()),
        ("helm".to_owned(), inventory.helm.clone()),
        ("server".to_owned(), inventory.server.clone()),
    ];
    for (name, chart) in &inventory.charts {
        all.push((format!("release {name}"), format!("{} {} (app {})", chart.name, chart.version, chart.app_version)));
        all.push((format!("release {name} as rendered"), chart.rendered_digest.chars().take(12).collect()));
    }
    all
}

fn load(sides: &Sides<'_>) -> Vec<Row> {
    let facts = sides.map(|(held, _)| held.load.as_ref().map(load_words).unwrap_or_default());
    let mut rows = words("load", &facts);
    rows.extend(figures("load", &sides.map(|(held, _)| held.load.as_ref().map(load_figures).unwrap_or_default())));
    rows
}

fn load_words(load: &LoadReport) -> Vec<(String, String)> {
    vec![
        ("workers".to_owned(), load.concurrency.to_string()),
        ("void".to_owned(), load.void.clone().unwrap_or("the load stands".to_owned())),
    ]
}

fn load_figures(load: &LoadReport) -> Vec<(String, Figure)> {
    let took_ms = load.ended_ms.saturating_sub(load.began_ms).max(1);
    let mut all: Vec<(String, Figure)> = vec![("requests".to_owned(), plain(load.requests))];
    all.extend(load.outcomes.iter().map(|(name, count)| (name.clone(), plain(*count))));
    all.push(("tokens per second".to_owned(), plain(load.tokens.saturating_mul(1000) / took_ms)));
    for (name, quantiles) in [("time to first token", &load.ttft_us), ("whole request", &load.total_us)] {
        all.push((format!("{name}, p50"), span(quantiles.p50 / 1000)));
        all.push((format!("{name}, p99"), span(quantiles.p99 / 1000)));
    }
    all
}

fn plain(value: u64) -> Figure {
    (value, value.to_string())
}

/// Every name of either side, in the order of the first and then of the second.
fn names<T>(sides: &[Vec<(String, T)>; 2]) -> Vec<&String> {
    let mut all: Vec<&String> = sides[0].iter().map(|(name, _)| name).collect();
    for (name, _) in &sides[1] {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn of<'a, T>(side: &'a [(String, T)], name: &str) -> Option<&'a T> {
    side.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// Rows of texts: any difference counts.
fn words(part: &'static str, sides: &[Vec<(String, String)>; 2]) -> Vec<Row> {
    let row = |name: &String| {
        let [a, b] = sides.each_ref().map(|side| of(side, name).cloned().unwrap_or_default());
        let change = (a != b).then(|| "changed".to_owned());
        Row { part, what: name.clone(), a, b, change }
    };
    names(sides).into_iter().map(row).collect()
}

/// Rows of figures: a difference beyond that of two like runs counts.
fn figures(part: &'static str, sides: &[Vec<(String, Figure)>; 2]) -> Vec<Row> {
    let row = |name: &String| {
        let [a, b] = sides.each_ref().map(|side| of(side, name));
        let shown = |figure: Option<&Figure>| figure.map_or(String::new(), |(_, text)| text.clone());
        let change = match (a, b) {
            (Some((a, _)), Some((b, _))) => shift(*a, *b),
            _ => Some("only in one".to_owned()),
        };
        Row { part, what: name.clone(), a: shown(a), b: shown(b), change }
    };
    names(sides).into_iter().map(row).collect()
}

/// By how much the second figure differs from the first, if that is more than chance.
fn shift(a: u64, b: u64) -> Option<String> {
    let apart = u128::from(a.abs_diff(b)) * 100;
    if apart <= u128::from(a.max(b)) * u128::from(LIKE) {
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
            assert_eq!(shift(a, b).as_deref(), told, "{a} {b}");
        }
    }

    #[test]
    fn a_name_of_one_side_only_is_told() {
        let side = |names: &[(&str, u64)]| names.iter().map(|(n, v)| ((*n).to_owned(), plain(*v))).collect::<Vec<_>>();
        let rows = figures("load", &[side(&[("good", 5), ("dns", 1)]), side(&[("good", 5), ("truncated", 2)])]);
        let told: Vec<_> = rows.iter().map(|row| (row.what.as_str(), row.change.as_deref())).collect();
        assert_eq!(told, [("good", None), ("dns", Some("only in one")), ("truncated", Some("only in one"))]);
    }
}
