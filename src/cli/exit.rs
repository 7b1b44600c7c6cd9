//! The exit codes: a documented interface, in one place.

use std::process::ExitCode;

use crate::model::verdict::{CaseResult, Verdict};

/// The table of `--help` and README.
pub(super) const EXIT_CODE_HELP: &str = "\
Exit codes:
  0    PASS
  1    FAIL: the platform broke a claim
  2    usage or scenario error, or a scenario that cannot pass; nothing was changed
  3    INCONCLUSIVE: it could not be told, and the output says why
  4    NOT APPLICABLE: the platform has no HPA API
  5    PASS, but something that was created could not be removed
  6    a bundle that is altered, incomplete or not reproducible; a submission in which export --check finds something
  70   internal error
  130  interrupted";

/// How gpuhpa ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CliExit {
    /// Done; for verify, PASS.
    Ok,
    /// The platform broke a claim.
    Fail,
    /// Usage or scenario error.
    Usage,
    /// It could not be told.
    Inconclusive,
    /// No HPA API.
    NotApplicable,
    /// PASS, but something is left behind.
    NotRestored,
    /// A bundle that is altered, incomplete or not reproducible.
    Unsound,
    /// A bug, or evidence that could not be written.
    Internal,
    /// Stopped by a signal.
    Interrupted,
}

impl CliExit {
    /// The code of a verdict.
    #[must_use]
    pub fn from_verdict(verdict: &Verdict) -> Self {
        match verdict.result {
            CaseResult::Pass if verdict.restored => Self::Ok,
            CaseResult::Pass => Self::NotRestored,
            CaseResult::Fail => Self::Fail,
            CaseResult::Inconclusive => Self::Inconclusive,
            CaseResult::NotApplicable => Self::NotApplicable,
        }
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::NotApplicable => 4,
            Self::NotRestored => 5,
            Self::Unsound => 6,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }
}

impl From<CliExit> for ExitCode {
    fn from(exit: CliExit) -> Self {
        Self::from(exit.code())
    }
}
