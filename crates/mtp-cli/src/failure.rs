//! Failures of commands and their exit codes.

use std::process::ExitCode;

/// An error with its causes, and an exit code for scripts.
pub(crate) struct Failure {
    pub(crate) error: anyhow::Error,
    pub(crate) code: Code,
}

/// The exit codes in `mtp --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Failed = 1,
    Arguments = 2,
    NoConnection = 3,
    NoKey = 4,
    CallRefused = 5,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), code: Code::Failed }
    }
}

/// Adds an exit code to an error.
pub(crate) trait OrCode<T> {
    fn or_code(self, code: Code) -> Result<T, Failure>;
}

impl<T> OrCode<T> for anyhow::Result<T> {
    fn or_code(self, code: Code) -> Result<T, Failure> {
        self.map_err(|error| Failure { error, code })
    }
}
