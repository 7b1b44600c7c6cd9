//! The rows of `ci/cases`: the expected results of runs.

use std::path::{Path, PathBuf};

use gpuhpa::model::verdict::{Case, CaseResult, Verdict};

/// A row of `ci/cases`.
pub(super) struct ExpectedCase {
    /// The scenario files in order.
    pub(super) scenarios: Vec<PathBuf>,
    /// Accepted outcomes: the deciding case or `any`, its result, and a part of its reason.
    outcomes: Vec<(String, CaseResult, String)>,
}

impl ExpectedCase {
    pub(super) fn load(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join("ci/cases")).expect("ci/cases");
        let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('|').map(str::trim));
        let mut row = rows.map(Iterator::collect::<Vec<_>>).find(|row| row[0] == name).expect(name).into_iter().skip(2);
        let mut next = || row.next().expect("five columns");
        // As in ci/on-rig: a scenario that extends another one is complete; every other file is an overlay on rig.yaml.
        let dir = root.join("ci/rig/scenarios");
        let mut scenarios = vec![dir.join("rig.yaml")];
        for path in next().split_whitespace().filter(|file| *file != "-").map(|file| dir.join(file)) {
            let text = std::fs::read_to_string(&path).expect("a scenario");
            if text.lines().any(|line| line.starts_with("extends:")) {
                scenarios.clear();
            }
            scenarios.push(path);
        }
        let _exit = next();
        let outcome = |text: &str| {
            let (case, rest) = text.split_once(' ').expect("a case and its result");
            let (result, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            (case.to_owned(), serde_json::from_value(result.into()).expect("a result"), reason.to_owned())
        };
        Self { scenarios, outcomes: next().split(" or ").map(outcome).collect() }
    }

    /// Whether a verdict has one of the outcomes.
    pub(super) fn is_met(&self, verdict: &Verdict) -> bool {
        let case = deciding_case(verdict);
        self.outcomes.iter().any(|(name, result, reason)| {
            (name == "any" || *name == case.name) && *result == case.result && case.reason.contains(reason)
        })
    }
}

impl std::fmt::Display for ExpectedCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let outcomes = self.outcomes.iter().map(|(case, result, reason)| format!("{case} {result:?} {reason}"));
        write!(f, "{}", outcomes.collect::<Vec<_>>().join(" or "))
    }
}

/// The case that decides the verdict: the first one with its result, or the last one of a PASS.
pub(super) fn deciding_case(verdict: &Verdict) -> &Case {
    let mut deciding = verdict.cases.iter().filter(|case| case.result == verdict.result);
    let case = if verdict.result == CaseResult::Pass { deciding.next_back() } else { deciding.next() };
    case.expect("a deciding case")
}
