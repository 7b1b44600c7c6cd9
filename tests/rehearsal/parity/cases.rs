//! What `ci/cases` wants of a run.

use std::path::{Path, PathBuf};

use gpuhpa::model::verdict::{Case, CaseResult, Verdict};

/// A row of it.
pub(super) struct ExpectedCase {
    /// The scenario files, in their order.
    pub(super) scenarios: Vec<PathBuf>,
    /// Endings: a case or `any`, its result, words of its reason.
    outcomes: Vec<(String, CaseResult, String)>,
}

impl ExpectedCase {
    pub(super) fn load(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join("ci/cases")).expect("ci/cases");
        let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('|').map(str::trim));
        let mut row = rows.map(Iterator::collect::<Vec<_>>).find(|row| row[0] == name).expect(name).into_iter().skip(2);
        let mut next = || row.next().expect("five columns");
        // What lies in scenarios/ is whole, all else is laid over the rig's, as ci/on-rig does it.
        let (whole, overlays) = (root.join("scenarios"), root.join("ci/rig/scenarios"));
        let mut scenarios = vec![whole.join("rig.yaml")];
        for file in next().split_whitespace().filter(|file| *file != "-") {
            match whole.join(file) {
                path if path.exists() => scenarios = vec![path],
                _ => scenarios.push(overlays.join(file)),
            }
        }
        let _exit = next();
        let ending = |text: &str| {
            let (case, rest) = text.split_once(' ').expect("a case and its result");
            let (result, words) = rest.split_once(' ').unwrap_or((rest, ""));
            (case.to_owned(), serde_json::from_value(result.into()).expect("a result"), words.to_owned())
        };
        Self { scenarios, outcomes: next().split(" or ").map(ending).collect() }
    }

    /// Whether a run ended in one of these ways.
    pub(super) fn is_met(&self, verdict: &Verdict) -> bool {
        let case = deciding_case(verdict);
        self.outcomes.iter().any(|(name, result, words)| {
            (name == "any" || *name == case.name) && *result == case.result && case.reason.contains(words)
        })
    }
}

impl std::fmt::Display for ExpectedCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let endings = self.outcomes.iter().map(|(case, result, words)| format!("{case} {result:?} {words}"));
        write!(f, "{}", endings.collect::<Vec<_>>().join(" or "))
    }
}

/// The first case whose result is the verdict's; of a PASS the last.
pub(super) fn deciding_case(verdict: &Verdict) -> &Case {
    let mut alike = verdict.cases.iter().filter(|case| case.result == verdict.result);
    let found = if verdict.result == CaseResult::Pass { alike.next_back() } else { alike.next() };
    found.expect("a case that decides")
}
