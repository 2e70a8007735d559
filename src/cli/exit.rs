//! How a run can end.

use std::process::ExitCode;

use crate::clients::http::Redactor;
use crate::domain::printable_except;
use crate::run::{RunError, RunErrorKind};

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; holds, takeovers and deferred merge requests are normal results.
    Done = 0,
    /// A bug, or a failure of this machine.
    Internal = 1,
    /// Unknown flag, missing token or state, or options that exclude each other.
    Usage = 2,
    /// No config repo: no `data/`.
    NoConfigRepo = 3,
    /// GitLab or the state bucket failed as a whole; nothing was written.
    ServiceFailed = 4,
    /// Completed, but some targets failed; see `problems`. `preflight` and `shadow`: too little is known.
    DoneWithProblems = 5,
    /// `plan --detailed-exitcode`: changes are pending; `preflight`: NO-GO; `shadow`: something is unexplained.
    ChangesPending = 10,
    /// Ctrl-C (SIGINT) ended the run.
    Interrupted = 130,
    /// SIGTERM ended the run.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a run ended early.
#[derive(Debug)]
pub struct Fatal {
    /// The exit code.
    pub exit: Exit,
    /// What happened.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Fatal {
    /// Creates an error without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// Did a signal end the run?
    pub fn is_signal(&self) -> bool {
        matches!(self.exit, Exit::Interrupted | Exit::Terminated)
    }

    /// Adds how to fix it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Redacts all secrets.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        self.message = redactor.redact(&self.message);
        self.hint = self.hint.map(|hint| redactor.redact(&hint));
        self
    }

    /// The text for the terminal.
    pub fn for_people(&self) -> String {
        let shown = |text: &str| printable_except(text, "\n");
        let message = shown(&self.message);
        match &self.hint {
            Some(hint) => format!("error: {message}\n  hint: {}", shown(hint)),
            None => format!("error: {message}"),
        }
    }
}

impl From<RunError> for Fatal {
    fn from(error: RunError) -> Self {
        let exit = match error.kind {
            RunErrorKind::Usage => Exit::Usage,
            RunErrorKind::ServiceFailed => Exit::ServiceFailed,
            RunErrorKind::Internal => Exit::Internal,
        };
        Self { exit, message: error.message, hint: error.hint }
    }
}
