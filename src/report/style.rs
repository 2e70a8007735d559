//! Colours in terminal output.

use anstyle::{AnsiColor, Style};

use crate::decide::{GateOutcome, Outcome};

/// Colours or plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// ANSI colours: a terminal, or GitLab's job log.
    Colours,
    /// Plain text.
    Plain,
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

impl Paint {
    /// The text in a style.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        match self {
            Self::Colours => format!("{style}{text}{style:#}"),
            Self::Plain => text.to_owned(),
        }
    }

    /// The style of a decision.
    pub(super) fn of_outcome(outcome: Outcome) -> Style {
        match outcome {
            Outcome::Promote => GREEN,
            Outcome::Hold => YELLOW,
            Outcome::Error => RED,
            Outcome::UpToDate => FAINT,
        }
    }

    /// The style of a gate result.
    pub(super) fn of_gate(outcome: GateOutcome) -> Style {
        match outcome {
            GateOutcome::Pass => GREEN,
            GateOutcome::Blocked => YELLOW,
            GateOutcome::NotApplicable => FAINT,
        }
    }
}
