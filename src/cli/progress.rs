//! How far a run is: a line that is rewritten on a terminal, one log line for each stage elsewhere.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::observe::Progress;

/// The stages that are under way, in the order in which they began: some are so at the same time.
static UNDER_WAY: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Shows one stage at a time on standard error.
#[derive(Debug)]
pub struct StandardError {
    /// Is there a terminal on which a line can be rewritten?
    live: bool,
    number: usize,
    stage: Mutex<(&'static str, usize)>,
    done: AtomicUsize,
}

impl Default for StandardError {
    fn default() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            live: std::io::stderr().is_terminal() && !dumb,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            stage: Mutex::default(),
            done: AtomicUsize::default(),
        }
    }
}

/// Shows what is waited for.
pub async fn waiting_for<T>(stage: &'static str, work: impl Future<Output = T>) -> T {
    let progress = StandardError::default();
    progress.announce(stage, format!("{stage} …"));
    let answer = work.await;
    progress.end();
    answer
}

impl StandardError {
    fn current(&self) -> (&'static str, usize) {
        self.stage.lock().map(|stage| *stage).unwrap_or_default()
    }

    /// Shows the stage from now on; in a log this is its one line.
    fn announce(&self, stage: &'static str, shown: String) {
        if self.live {
            self.show(Some(shown));
        } else {
            tracing::info!("{shown}");
        }
        if let Ok(mut current) = self.stage.lock() {
            current.0 = stage;
        }
    }

    /// Writes the line anew; `None` takes the stage out of it.
    fn show(&self, text: Option<String>) {
        if !self.live {
            return;
        }
        let mut stages = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => drop(stages.insert(self.number, text)),
            None => drop(stages.remove(&self.number)),
        }
        let line = stages.values().map(String::as_str).collect::<Vec<_>>().join(", ");
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "\r\u{1b}[K{line}");
        let _ = stderr.flush();
    }
}

impl Progress for StandardError {
    fn begin(&self, stage: &'static str, total: usize) {
        self.done.store(0, Ordering::Relaxed);
        if let Ok(mut current) = self.stage.lock() {
            current.1 = total;
        }
        if total > 0 {
            let shown =
                if self.live { format!("{stage}: 0/{total}") } else { format!("{stage}: {total}") };
            self.announce(stage, shown);
        }
    }

    fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let (stage, total) = self.current();
        // At each percent, which is each step where there are few.
        if total > 0 && (done.is_multiple_of(total.div_ceil(100)) || done == total) {
            self.show(Some(format!("{stage}: {done}/{total}")));
        }
    }

    fn end(&self) {
        self.show(None);
    }
}

/// Also where a signal ends a stage.
impl Drop for StandardError {
    fn drop(&mut self) {
        let shown = UNDER_WAY.lock().is_ok_and(|stages| stages.contains_key(&self.number));
        if shown {
            self.end();
        }
    }
}
