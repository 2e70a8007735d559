//! Shows progress: a line that is rewritten on a terminal, otherwise one log line per stage.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ports::{Progress, Stage};

/// Shows stages on standard error.
#[derive(Debug)]
pub struct StandardError {
    /// Is there a terminal on which a line can be rewritten?
    live: bool,
    begun: AtomicUsize,
    under_way: Arc<UnderWay>,
}

/// The text of each stage in the line, by the order in which they began.
#[derive(Debug, Default)]
struct UnderWay(Mutex<BTreeMap<usize, String>>);

impl Default for StandardError {
    fn default() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            live: std::io::stderr().is_terminal() && !dumb,
            begun: AtomicUsize::default(),
            under_way: Arc::default(),
        }
    }
}

impl Progress for StandardError {
    fn begin(&self, name: &'static str, total: Option<usize>) -> Box<dyn Stage> {
        let line = self.live.then(|| Arc::clone(&self.under_way));
        let stage = Shown {
            name,
            total: total.unwrap_or_default(),
            number: self.begun.fetch_add(1, Ordering::Relaxed),
            done: AtomicUsize::default(),
            line,
        };
        match (total, &stage.line) {
            (Some(0), _) => {}
            (None, Some(line)) => line.show(stage.number, Some(format!("{name} …"))),
            (Some(total), Some(line)) => {
                line.show(stage.number, Some(format!("{name}: 0/{total}")));
            }
            // In a log, this is the only line of the stage.
            (None, None) => tracing::info!("{name} …"),
            (Some(total), None) => tracing::info!("{name}: {total}"),
        }
        Box::new(stage)
    }
}

/// A stage on standard error.
struct Shown {
    name: &'static str,
    /// 0 if not known.
    total: usize,
    number: usize,
    done: AtomicUsize,
    line: Option<Arc<UnderWay>>,
}

impl Stage for Shown {
    fn step(&self) {
        let Some(line) = &self.line else { return };
        let (name, total) = (self.name, self.total);
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        // At each percent, or at each step if there are few.
        if total > 0 && (done.is_multiple_of(total.div_ceil(100)) || done == total) {
            line.show(self.number, Some(format!("{name}: {done}/{total}")));
        }
    }
}

/// Also runs when a signal ends a stage.
impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.show(self.number, None);
        }
    }
}

impl UnderWay {
    /// Rewrites the line. `None` removes the stage from it.
    fn show(&self, number: usize, text: Option<String>) {
        let mut stages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = match text {
            Some(text) => {
                stages.insert(number, text);
                true
            }
            None => stages.remove(&number).is_some(),
        };
        if !changes {
            return;
        }
        let line = stages.values().map(String::as_str).collect::<Vec<_>>().join(", ");
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "\r\u{1b}[K{line}");
        let _ = stderr.flush();
    }
}
