//! The errors with which a pass ends. Their `Display` is the controller's text, letter by letter.

use std::fmt;

use crate::hpa::MetricError;

/// The error with which a pass ends (SCHEMA, reconcile).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassError {
    /// The scale could not be read.
    ScaleNotRead {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// The text of the failed GET.
        text: String,
    },
    /// The pods could not be selected, so no metric was read.
    NotSelected {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// Why.
        cause: SelectorError,
    },
    /// Too few metrics could be read to decide.
    NotComputed {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// Which failed.
        cause: InvalidMetrics,
    },
    /// Some metrics failed, yet the pass went on: the others ask for at least the current size.
    SomeInvalid(InvalidMetrics),
    /// The scale could not be written.
    NotRescaled {
        /// `KIND/NAMESPACE/NAME`.
        target: String,
        /// The text of the last failed PUT.
        text: String,
    },
}

/// Why the pods could not be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectorError {
    /// The scale has no selector.
    Missing,
    /// The scale's selector is none.
    Unparsable {
        /// The parser's own words.
        why: String,
    },
    /// Another HPA selects the same pods.
    Ambiguous {
        /// The selector.
        selector: String,
        /// This HPA and the other, as `namespace/name`. The real controller's order varies.
        hpas: [String; 2],
    },
}

/// Some or all metrics failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidMetrics {
    /// How many failed.
    pub invalid: usize,
    /// How many there are.
    pub total: usize,
    /// The first failure.
    pub first: MetricError,
    /// The first failure as the pass's error quotes it, with what the controller was doing in front.
    pub first_in_full: String,
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
            Self::Unparsable { why } => {
                write!(f, "couldn't convert selector into a corresponding internal selector object: {why}")
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
