//! A reason for which a run cannot pass, with a hint.

use crate::model::plan::PreflightProblem;

pub(super) fn preflight_error(message: String, hint: &str) -> PreflightProblem {
    PreflightProblem { message, hint: hint.to_owned() }
}
