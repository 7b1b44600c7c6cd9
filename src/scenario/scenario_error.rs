//! Why a scenario cannot be loaded, with the location of each problem.

/// Why a scenario cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file could not be read.
    #[error("{path}: could not be read: {message}")]
    Read {
        /// The file.
        path: String,
        /// The system's error.
        message: String,
    },
    /// A file is not YAML, or not a scenario.
    #[error("{path}:{line}:{column}: {message}")]
    Parse {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// Files extend each other without an end.
    #[error("{path}: extends itself, or nests more than {MAX_LAYERS} files")]
    ExtendsTooDeep {
        /// The file.
        path: String,
    },
    /// The scenario has problems.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<ScenarioProblem>),
}

/// Most files that may extend each other: more are taken for a cycle.
pub(crate) const MAX_LAYERS: usize = 8;

/// A problem of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioProblem {
    /// `file:line:column` of the nearest location; absent until the files are known.
    pub(crate) location: Option<String>,
    /// The field, for example `hpa.spec.maxReplicas`.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: String,
}

impl ScenarioProblem {
    pub(super) fn new(field: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { location: None, field: field.to_owned(), message: message.into(), hint: hint.into() }
    }
}

impl std::fmt::Display for ScenarioProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        write!(f, "{}: {}\n  hint: {}", self.field, self.message, self.hint)
    }
}
