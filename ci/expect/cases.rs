//! The rows of `ci/cases`: the runs on the rig, and how each must end. `tests/rehearsal/parity` reads them too.

use std::path::{Path, PathBuf};

use gpuhpa::judge::Check;
use gpuhpa::model::verdict::{Case, CaseResult, Verdict};

/// A row of `ci/cases`.
#[derive(Debug)]
pub(crate) struct RigCase {
    /// The scenario files in order: a complete scenario, then the overlays on it.
    pub(crate) scenarios: Vec<PathBuf>,
    /// The accepted exit codes of `verify`.
    pub(crate) exit_codes: Vec<i32>,
    /// The accepted outcomes.
    pub(crate) outcomes: Vec<ExpectedOutcome>,
    /// The last two columns.
    text: String,
}

/// An accepted outcome of a run.
#[derive(Debug)]
pub(crate) enum ExpectedOutcome {
    /// verify refuses the run before it changes anything, and its output contains these words.
    Refused {
        /// Words of the error.
        words: String,
    },
    /// A case decides the verdict.
    Decided {
        /// The case; `None` for any.
        check: Option<Check>,
        /// Its result.
        result: CaseResult,
        /// Words of its reason.
        words: String,
    },
}

impl RigCase {
    /// Reads a row.
    ///
    /// # Errors
    /// There is no such row, or it is not as the head of `ci/cases` describes rows.
    pub(crate) fn load(name: &str) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join("ci/cases")).map_err(|error| format!("ci/cases: {error}"))?;
        let row = rows(&text).into_iter().find(|row| row.first() == Some(&name));
        let row = row.ok_or_else(|| format!("ci/cases has no row `{name}`"))?;
        Self::parse(&row, &root.join("ci/rig/scenarios")).map_err(|error| format!("ci/cases: {name}: {error}"))
    }

    fn parse(row: &[&str], scenarios: &Path) -> Result<Self, String> {
        let [_, _, files, exit_codes, outcomes] = row else { return Err("five columns are expected".to_owned()) };
        Ok(Self {
            scenarios: files.split_whitespace().map(|file| scenarios.join(file)).collect(),
            exit_codes: exit_codes
                .split('/')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map_err(|error| format!("{exit_codes}: {error}"))?,
            outcomes: outcomes.split(" or ").map(ExpectedOutcome::parse).collect::<Result<_, _>>()?,
            text: format!("exit {exit_codes}: {outcomes}"),
        })
    }

    /// Whether a case of the verdict decides as the row says.
    pub(crate) fn is_met_by(&self, verdict: &Verdict) -> bool {
        self.outcomes.iter().any(|outcome| outcome.is_met_by(verdict))
    }
}

impl std::fmt::Display for RigCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl ExpectedOutcome {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(' ').ok_or_else(|| format!("`{text}` names no result"))?;
        if name == "refused" {
            return Ok(Self::Refused { words: rest.to_owned() });
        }
        let (result, words) = rest.split_once(' ').unwrap_or((rest, ""));
        let check = match name {
            "any" => None,
            name => Some(Check::all().find(|c| c.name() == name).ok_or_else(|| format!("there is no case `{name}`"))?),
        };
        let result = serde_json::from_value(result.into()).map_err(|error| error.to_string())?;
        Ok(Self::Decided { check, result, words: words.to_owned() })
    }

    /// Whether the verdict has this outcome. A PASS is decided by each of its cases.
    pub(crate) fn is_met_by(&self, verdict: &Verdict) -> bool {
        let Self::Decided { check, result, words } = self else { return false };
        let named = || verdict.cases.iter().find(|case| check.is_some_and(|check| check.name() == case.name));
        let case = if verdict.result == CaseResult::Pass { named() } else { deciding_case(verdict) };
        let Some(case) = case else { return false };
        check.is_none_or(|check| check.name() == case.name) && *result == case.result && case.reason.contains(words)
    }
}

/// The columns of each row.
pub(crate) fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split('|').map(str::trim).collect()).collect()
}

/// The case that decides the verdict: the first one with its result, or the last one of a PASS.
pub(crate) fn deciding_case(verdict: &Verdict) -> Option<&Case> {
    let mut deciding = verdict.cases.iter().filter(|case| case.result == verdict.result);
    if verdict.result == CaseResult::Pass { deciding.next_back() } else { deciding.next() }
}
