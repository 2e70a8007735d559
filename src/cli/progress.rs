//! How far a run is: a line that is rewritten on a terminal, log lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::observe::Progress;

/// Shows progress on standard error.
#[derive(Debug)]
pub struct StandardError {
    /// Is there a terminal on which a line can be rewritten?
    live: bool,
    stage: Mutex<(&'static str, usize)>,
    done: AtomicUsize,
}

impl Default for StandardError {
    fn default() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            live: std::io::stderr().is_terminal() && !dumb,
            stage: Mutex::default(),
            done: AtomicUsize::default(),
        }
    }
}

impl StandardError {
    fn current(&self) -> (&'static str, usize) {
        self.stage.lock().map(|stage| *stage).unwrap_or_default()
    }

    /// Writes the line anew; an empty text takes it away.
    fn show(&self, text: &str) {
        if self.live {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\u{1b}[K{text}");
            let _ = stderr.flush();
        }
    }
}

impl Progress for StandardError {
    fn begin(&self, stage: &'static str, total: usize) {
        if let Ok(mut current) = self.stage.lock() {
            *current = (stage, total);
        }
        self.done.store(0, Ordering::Relaxed);
        if total > 0 {
            self.show(&format!("{stage}: 0/{total}"));
        }
    }

    fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let (stage, total) = self.current();
        // At each percent, which is each step where there are few.
        if total > 0 && (done.is_multiple_of(total.div_ceil(100)) || done == total) {
            self.show(&format!("{stage}: {done}/{total}"));
        }
    }

    fn end(&self) {
        let (stage, total) = self.current();
        self.show("");
        if !self.live && total > 0 {
            tracing::info!("{stage}: {total} looked up");
        }
    }
}
