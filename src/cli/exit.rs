//! The exit codes, a documented interface.

use std::process::ExitCode;

use crate::model::verdict::{CaseResult, Verdict};

/// The table of `--help` and README.
pub(super) const EXIT_CODE_HELP: &str = "\
Exit codes:
  0    PASS
  1    FAIL: a check failed, and the platform is the cause
  2    usage or scenario error, a scenario that cannot pass, or a bundle that export refuses;
       nothing was changed
  3    INCONCLUSIVE: no verdict is possible, and the output says why: of verify, plan and init also
       an API server that does not answer
  4    NOT APPLICABLE: the platform does not serve the HPA API
  5    NOT RESTORED: PASS, but an object of the run could not be removed; of clean, something could
       not be undone or checked
  6    a bundle that is altered, incomplete or not reproducible; a submission with findings of
       export --check
  70   internal error, or output that cannot be written
  130  interrupted";

/// The exit code of gpuhpa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CliExit {
    /// Success; for verify, PASS.
    Ok,
    /// A check failed, and the platform is the cause.
    Fail,
    /// Usage or scenario error.
    Usage,
    /// No verdict is possible.
    Inconclusive,
    /// The platform has no HPA API.
    NotApplicable,
    /// PASS, but NOT RESTORED; of clean, something could not be undone or checked.
    NotRestored,
    /// A bundle that is altered, incomplete or not reproducible.
    Unsound,
    /// A bug in gpuhpa, or output that could not be written: evidence, a JUnit file, data on stdout.
    Internal,
    /// Interrupted by a signal.
    Interrupted,
}

impl CliExit {
    /// The exit code of a verdict.
    #[must_use]
    pub(crate) fn from_verdict(verdict: &Verdict) -> Self {
        match verdict.result {
            CaseResult::Pass if verdict.restored => Self::Ok,
            CaseResult::Pass => Self::NotRestored,
            CaseResult::Fail => Self::Fail,
            CaseResult::Inconclusive => Self::Inconclusive,
            CaseResult::NotApplicable => Self::NotApplicable,
        }
    }

    /// The exit code of a command whose output was lost: the caller may have an old file or half of one. Only an interrupt
    /// still says so.
    #[must_use]
    pub(super) fn with_lost_output(self) -> Self {
        if self == Self::Interrupted { self } else { Self::Internal }
    }

    /// The numeric code.
    #[must_use]
    pub(crate) fn code(self) -> u8 {
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
