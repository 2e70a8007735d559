//! SIGTERM, by which GitLab ends a job, and Ctrl-C.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Fatal};

/// Whether the run was told to end, and by what.
#[derive(Clone, Default)]
pub struct Interruption {
    told: CancellationToken,
    exit: Arc<OnceLock<Exit>>,
}

impl Interruption {
    /// Listens from now on. The first signal ends the run in good order, the second one at once, whatever the
    /// run is busy with: so this is a thread of its own.
    ///
    /// # Errors
    /// With exit code 1, when the machine does not let it.
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
                // Set once: this is the only place.
                let _ = told.exit.set(first);
                told.told.cancel();
                tracing::warn!(
                    "{}: no other write is started, and the run ends with its reports; a second signal ends it at once",
                    name(first)
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

    /// How a run ends that was told to; `meanwhile` says what it was doing.
    pub fn fatal(&self, meanwhile: &str) -> Fatal {
        let exit = self.exit.get().copied().unwrap_or(Exit::Interrupted);
        Fatal::new(exit, format!("{} ended the run {meanwhile}", name(exit)))
            .hint("run it again: the next run goes on from what is there")
    }

    /// The work's result, unless the run is told to end before.
    ///
    /// # Errors
    /// When it was told to; `meanwhile` says what it was doing.
    pub async fn or_ended<T>(
        &self,
        meanwhile: &str,
        work: impl Future<Output = Result<T, Fatal>>,
    ) -> Result<T, Fatal> {
        let result = self.told.run_until_cancelled(work).await;
        result.unwrap_or_else(|| Err(self.fatal(meanwhile)))
    }
}

fn name(exit: Exit) -> &'static str {
    if exit == Exit::Terminated { "SIGTERM" } else { "SIGINT" }
}

/// The two signals that ask a program to end.
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
