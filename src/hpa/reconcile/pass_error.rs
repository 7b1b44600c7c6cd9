//! Errors that a pass returns. `Display` gives the controller's exact text.

use std::fmt;

use crate::hpa::MetricError;

/// The error that a pass returns (SCHEMA.md, reconcile).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassError {
    /// The scale could not be read.
    ScaleNotRead {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// Error text of the GET.
        text: String,
    },
    /// The pods could not be selected, so no metric was read.
    NotSelected {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// The reason.
        cause: SelectorError,
    },
    /// Too many metrics failed for a decision.
    NotComputed {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// The failed metrics.
        cause: InvalidMetrics,
    },
    /// Some metrics failed, and the pass continued: the others recommend at least the current replicas.
    SomeInvalid(InvalidMetrics),
    /// The scale could not be written.
    NotRescaled {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// Error text of the last PUT.
        text: String,
    },
}

/// The reason why the pods could not be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectorError {
    /// The scale has no selector.
    Missing,
    /// The scale's selector cannot be parsed.
    Unparsable {
        /// The parser's error text.
        error: String,
    },
    /// Another HPA selects the same pods.
    Ambiguous {
        /// The selector.
        selector: String,
        /// This HPA and the other one, as `namespace/name`. The order varies in the real controller.
        hpas: [String; 2],
    },
}

/// Some or all metrics failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidMetrics {
    /// Number of failed metrics.
    pub(crate) invalid: usize,
    /// Number of metrics.
    pub(crate) total: usize,
    /// Error of the first failed metric.
    pub(crate) first: MetricError,
    /// The first error with the controller's context before it, as in the error of the pass.
    pub(crate) first_in_full: String,
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const COMPUTE: &str = "failed to compute desired number of replicas based on listed metrics for";
        match self {
            Self::ScaleNotRead { target, text } => write!(f, "failed to query scale subresource for {target}: {text}"),
            Self::NotSelected { target, cause } => write!(f, "{COMPUTE} {target}: {cause}"),
            Self::NotComputed { target, cause } => write!(f, "{COMPUTE} {target}: {cause}"),
            Self::SomeInvalid(cause) => cause.fmt(f),
            Self::NotRescaled { target, text } => write!(f, "failed to rescale {target}: {text}"),
        }
    }
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("selector is required"),
            Self::Unparsable { error } => {
                write!(f, "couldn't convert selector into a corresponding internal selector object: {error}")
            }
            Self::Ambiguous { selector, hpas: [one, two] } => {
                write!(f, "pods by selector {selector} are controlled by more than one HPA (e.g. [{one} {two}])")
            }
        }
    }
}

impl fmt::Display for InvalidMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invalid, total, first_in_full, .. } = self;
        write!(f, "invalid metrics ({invalid} invalid out of {total}), first error is: {first_in_full}")
    }
}

impl std::error::Error for PassError {}
impl std::error::Error for SelectorError {}
impl std::error::Error for InvalidMetrics {}
