//! Handles SIGTERM, with which GitLab ends a job, and Ctrl-C.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Fatal};

/// Whether a signal ended the run, and which.
#[derive(Clone, Default)]
pub struct Interruption {
    told: CancellationToken,
    exit: Arc<OnceLock<Exit>>,
}

impl Interruption {
    /// Starts listening. The first signal ends the run gracefully, the second immediately, whatever the
    /// run is doing. So this needs a thread of its own.
    ///
    /// # Errors
    /// With exit code 1, when the system does not allow it.
    pub fn listen() -> Result<Self, Fatal> {
        let cannot =
            |error| Fatal::new(Exit::Internal, format!("cannot listen for signals: {error}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(cannot)?;
        let mut signals = runtime.block_on(async { Signals::new() }).map_err(cannot)?;
        let interruption = Self::default();
        let told = interruption.clone();
        let listening = move || {
            runtime.block_on(async {
                let first = signals.next().await;
                // Set once: this is the only caller.
                let _ = told.exit.set(first);
                told.told.cancel();
                tracing::warn!(
                    "{}: finishing the current write, then ending the run with its reports; a \
                     second signal ends it immediately",
                    name_signal(first)
                );
                std::process::exit(signals.next().await as i32);
            })
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(listening).map_err(cannot)?;
        Ok(interruption)
    }

    /// Is cancelled by the first signal.
    pub fn token(&self) -> &CancellationToken {
        &self.told
    }

    /// The error of a run that a signal ended. `meanwhile` says what it was doing.
    pub fn fatal(&self, meanwhile: &str) -> Fatal {
        let exit = self.exit.get().copied().unwrap_or(Exit::Interrupted);
        Fatal::new(exit, format!("{} ended the run {meanwhile}", name_signal(exit)))
            .hint("run it again: the next run continues from the current state")
    }

    /// The result of the work, unless a signal ends the run first.
    ///
    /// # Errors
    /// When a signal ends the run. `meanwhile` says what it was doing.
    pub async fn or_ended<T>(
        &self,
        meanwhile: &str,
        work: impl Future<Output = Result<T, Fatal>>,
    ) -> Result<T, Fatal> {
        let result = self.told.run_until_cancelled(work).await;
        result.unwrap_or_else(|| Err(self.fatal(meanwhile)))
    }
}

fn name_signal(exit: Exit) -> &'static str {
    if exit == Exit::Terminated { "SIGTERM" } else { "SIGINT" }
}

/// The two signals that end the run.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.interrupt.recv() => Exit::Interrupted,
        }
    }
}
