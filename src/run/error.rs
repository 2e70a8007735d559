//! Why a run ends before it is done.

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunErrorKind {
    /// Who called it: an option names what is not there.
    Usage,
    /// A service that failed as a whole: GitLab or the state.
    ServiceFailed,
    /// Nobody but the developers.
    Internal,
}

/// Why a run ends before it is done. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RunError {
    /// Who can do something about it.
    pub kind: RunErrorKind,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl RunError {
    /// What happened, without advice.
    pub fn new(kind: RunErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(RunErrorKind::Usage, message)
    }

    pub(super) fn service(message: impl Into<String>) -> Self {
        Self::new(RunErrorKind::ServiceFailed, message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(RunErrorKind::Internal, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
