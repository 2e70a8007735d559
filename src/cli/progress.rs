//! How far a run is: a line that is rewritten on a terminal, log lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::observe::Progress;

/// Shows progress on standard error.
#[derive(Debug, Default)]
pub struct StandardError {
    stage: Mutex<(&'static str, usize)>,
    done: AtomicUsize,
}

impl StandardError {
    fn current(&self) -> (&'static str, usize) {
        self.stage.lock().map(|stage| *stage).unwrap_or_default()
    }
}

impl Progress for StandardError {
    fn begin(&self, stage: &'static str, total: usize) {
        if let Ok(mut current) = self.stage.lock() {
            *current = (stage, total);
        }
        self.done.store(0, Ordering::Relaxed);
    }

    fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let (stage, total) = self.current();
        if total > 0
            && (done.is_multiple_of(25) || done == total)
            && std::io::stderr().is_terminal()
        {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\u{1b}[K{stage}: {done}/{total}");
            let _ = stderr.flush();
        }
    }

    fn end(&self) {
        let (stage, total) = self.current();
        if std::io::stderr().is_terminal() {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\u{1b}[K");
            let _ = stderr.flush();
        } else if total > 0 {
            tracing::info!("{stage}: {total} looked up");
        }
    }
}
