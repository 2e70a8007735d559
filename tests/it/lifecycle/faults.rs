//! One fault at one merge request of a run, and the kill of the process there.

use std::sync::Arc;

use forge::{Fault, FaultKind, Service};
use tokio::sync::Notify;

use super::driver::{Bot, Ended};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Status(u16),
    /// 429 with `Retry-After: 0`.
    Throttled,
    DropBefore,
    DropAfter,
    StatusAfter,
    Truncate,
    Hang,
    HangAfter,
    KillBefore,
    KillAfter,
    /// This merge request and all that follow are refused.
    Outage,
}

impl Trouble {
    pub const ALL: [Self; 12] = [
        Self::Status(500),
        Self::Status(503),
        Self::Throttled,
        Self::DropBefore,
        Self::DropAfter,
        Self::StatusAfter,
        Self::Truncate,
        Self::Hang,
        Self::HangAfter,
        Self::KillBefore,
        Self::KillAfter,
        Self::Outage,
    ];

    fn kind(self) -> FaultKind {
        match self {
            Self::Status(code) => FaultKind::Status(code, "<h1>Sorry</h1>".to_owned(), Vec::new()),
            Self::Throttled => {
                let headers = vec![("retry-after".to_owned(), "0".to_owned())];
                FaultKind::Status(429, "Retry later\n".to_owned(), headers)
            }
            Self::Outage => FaultKind::Status(500, String::new(), Vec::new()),
            Self::DropBefore => FaultKind::DropBefore,
            Self::DropAfter => FaultKind::DropAfter,
            Self::StatusAfter => FaultKind::StatusAfter(502),
            Self::Truncate => FaultKind::Truncate,
            Self::Hang | Self::KillBefore => FaultKind::Hang,
            Self::HangAfter | Self::KillAfter => FaultKind::HangAfter,
        }
    }

    fn kills(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter)
    }
}

/// The merge request at which it happens, counted from 1.
#[derive(Debug, Clone, Copy)]
pub enum At {
    Request(u64),
    Write(u64),
}

/// A run with one fault, at one of its merge requests to GitLab.
pub async fn run_with_fault(
    bot: &Bot,
    at: At,
    trouble: Trouble,
    between: impl Future<Output = ()>,
) -> Ended {
    bot.forge.clear_faults();
    let killed = Arc::new(Notify::new());
    let (fault, nth) = match at {
        At::Request(nth) => (Fault::new(trouble.kind()), nth),
        At::Write(nth) => (Fault::new(trouble.kind()).writes(), nth),
    };
    let last = if trouble == Trouble::Outage { u64::MAX } else { nth };
    let mut fault = fault.on(Service::GitLab).between(nth, last);
    if trouble.kills() {
        let killed = killed.clone();
        fault = fault.calling(move |_| killed.notify_one());
    }
    bot.forge.fault(fault);
    bot.hasty.set(matches!(trouble, Trouble::Hang | Trouble::HangAfter));
    let ended = tokio::select! {
        ended = bot.run_with(between) => ended,
        () = killed.notified() => Err("killed".to_owned()),
    };
    bot.hasty.set(false);
    bot.forge.clear_faults();
    ended
}
