//! What to do next where a file that the user named cannot be used.

use crate::scenario::ScenarioError;

/// For a folder of evidence that cannot be made or written.
pub(super) const REPORT_DIR: &str =
    "name another folder with --report-dir: one that does not exist, or is empty, below a folder that you may write to";

/// For a cluster without autoscaling/v2.
pub(super) const NO_HPA_API: &str = "Kubernetes serves it since 1.23: `kubectl api-versions` lists what this cluster serves; is the context the right one?";

/// For a file that cannot be read, by the words of the system.
pub(super) fn unreadable(reason: &str) -> Option<&'static str> {
    let causes = [
        ("No such file", "check the path: it is relative to the working directory"),
        ("Permission denied", "make it readable for this user, its folders included"),
        ("it is a folder", "name a file in it"),
        ("it has more than", "name a smaller file"),
    ];
    causes.into_iter().find(|(cause, _)| reason.contains(cause)).map(|(_, hint)| hint)
}

/// For a scenario that cannot be loaded; its problems have hints of their own.
pub(super) fn scenario(error: &ScenarioError) -> Option<&'static str> {
    match error {
        ScenarioError::Read { message, .. } if message.contains("extends it") => {
            Some("check the path of extends: it is relative to the file that has it")
        }
        ScenarioError::Read { message, .. } if message.contains("No such file") => {
            Some("check the path of -f; without -f gpuhpa uses the built-in scenario, and `gpuhpa init` writes one")
        }
        ScenarioError::Read { message, .. } => unreadable(message),
        ScenarioError::Parse { .. } => Some(
            "correct it there; scenarios/README.md explains every key, and `gpuhpa schema` prints them for an editor",
        ),
        ScenarioError::ExtendsTooDeep { .. } => Some("let the first file extend no other, or join some of them"),
        ScenarioError::Invalid(_) => None,
    }
}
