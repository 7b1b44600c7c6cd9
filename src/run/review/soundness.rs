//! What the checks of a review add up to: altered or not, and the same results under today's rules or not.

use serde::Serialize;

use super::{BundleCheck, ReviewInput};
use crate::model::verdict::{Case, CaseResult, Verdict};

/// Whether a bundle is what gpuhpa wrote, and whether today's rules give its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Soundness {
    /// Written under today's rules; nothing was altered, nothing is missing, and the verdict follows from the observations.
    Sound,
    /// Written under older rules: nothing that can be checked was altered, and today's rules give each case the same result.
    SoundUnderOlderRules,
    /// Written under older rules: nothing that can be checked was altered, and today's rules give a case another result.
    DifferentUnderTodaysRules,
    /// Altered or incomplete.
    NotSound,
}

impl Soundness {
    /// True unless something was altered or is missing.
    #[must_use]
    pub fn is_unaltered(self) -> bool {
        self != Self::NotSound
    }

    /// True where the stored results follow from the observations under today's rules.
    #[must_use]
    pub fn is_sound(self) -> bool {
        matches!(self, Self::Sound | Self::SoundUnderOlderRules)
    }
}

/// A case that has another result under today's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseChange {
    /// Name of the case.
    pub(crate) case: String,
    /// The stored result; absent where the stored verdict lacks the case.
    pub(crate) stored: Option<CaseResult>,
    /// Today's result; absent where today's rules lack the case.
    pub(crate) derived: Option<CaseResult>,
    /// The changes of the rules that can have caused it, by number.
    pub(crate) causes: Vec<String>,
}

impl CaseChange {
    pub(super) fn text(&self) -> String {
        let word =
            |result: Option<CaseResult>| result.map_or("no such case", |result| Case::label_of(&self.case, result));
        let causes = if self.causes.is_empty() { String::new() } else { format!(" ({})", self.causes.join("; ")) };
        format!("{}: stored {}, derived {}{causes}", self.case, word(self.stored), word(self.derived))
    }
}

/// The cases of a bundle of older rules whose result differs. Under the same rules a difference is an alteration, which
/// the check of the verdict names.
pub(super) fn changed_cases(input: &ReviewInput<'_>) -> Vec<CaseChange> {
    let Some(stored) = input.bundle.verdict.as_ref().filter(|_| !input.has_current_rules()) else { return Vec::new() };
    let names = input.derived.cases.iter().chain(&stored.cases).map(|case| case.name.as_str());
    let mut unique: Vec<&str> = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    let result = |verdict: &Verdict, name: &str| verdict.cases.iter().find(|c| c.name == name).map(|c| c.result);
    let sides = unique.into_iter().map(|name| (name, result(stored, name), result(input.derived, name)));
    sides
        .filter(|(_, stored, derived)| stored != derived)
        .map(|(name, stored, derived)| CaseChange {
            case: name.to_owned(),
            stored,
            derived,
            causes: causes(input, name),
        })
        .collect()
}

/// The revisions after the bundle's that say that they can change this case.
fn causes(input: &ReviewInput<'_>, case: &str) -> Vec<String> {
    let later =
        input.history.iter().filter(|one| one.number > input.bundle.manifest.rules && one.cases.contains(&case));
    later.map(|one| format!("rules {}: {}", one.number, one.change)).collect()
}

pub(super) fn classify(input: &ReviewInput<'_>, checks: &[BundleCheck], changed: &[CaseChange]) -> Soundness {
    if checks.iter().any(|check| !check.differences.is_empty()) {
        Soundness::NotSound
    } else if input.has_current_rules() {
        Soundness::Sound
    } else if changed.is_empty() {
        Soundness::SoundUnderOlderRules
    } else {
        Soundness::DifferentUnderTodaysRules
    }
}

/// The outcome as a sentence that a reviewer can act on.
pub(super) fn statement(
    input: &ReviewInput<'_>,
    soundness: Soundness,
    changed: &[CaseChange],
    checks: &[BundleCheck],
) -> String {
    let (rules, today) = (input.bundle.manifest.rules, input.current_rules());
    match soundness {
        Soundness::Sound => format!("sound under rules {rules}, which are today's"),
        Soundness::SoundUnderOlderRules => {
            format!("sound, written under rules {rules}; today's rules {today} give the same results")
        }
        Soundness::DifferentUnderTodaysRules => format!(
            "written under rules {rules}; today's rules {today} differ in {}. No alteration was found; the texts of the \
             verdict cannot be compared under other rules. {} reproduces the stored results",
            changed.iter().map(CaseChange::text).collect::<Vec<_>>().join(", and in "),
            input.bundle.inventory.gpuhpa_build()
        ),
        Soundness::NotSound => {
            let count: usize = checks.iter().map(|check| check.differences.len()).sum();
            format!("not sound: {count} difference{}", if count == 1 { "" } else { "s" })
        }
    }
}
