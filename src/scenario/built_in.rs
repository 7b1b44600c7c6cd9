//! The built-in scenario: its text, and what it is called.

/// The scenario that runs if the user names none.
pub(crate) const BUILT_IN: &str = include_str!("../../scenarios/ollama-gpu-utilization.yaml");

/// What a file extends to extend it, without a copy of this repository.
pub(crate) const BUILT_IN_URL: &str = "builtin://ollama-gpu-utilization.yaml";

/// Its name in messages.
pub(crate) const BUILT_IN_NAME: &str = "ollama-gpu-utilization.yaml (built in)";
