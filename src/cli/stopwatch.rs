//! What the stages of a run take.

use std::time::Instant;

use super::doors::Doors;
use super::source::Loaded;
use super::usage;
use crate::report::{Measured, StageUse};

/// Measures one stage after the other.
pub struct Stopwatch {
    last: Instant,
    cpu: f64,
    measured: Measured,
}

impl Stopwatch {
    /// The first stage begins.
    pub fn start() -> Self {
        Self { last: Instant::now(), cpu: usage::cpu_seconds(), measured: Measured::default() }
    }

    /// A stage has ended, the next one begins.
    pub fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.measured.stages.push((stage, (now - self.last).as_secs_f64()));
        self.last = now;
        let cpu = usage::cpu_seconds();
        let used =
            StageUse { cpu_seconds: cpu - self.cpu, peak_memory_bytes: usage::peak_memory_bytes() };
        self.measured.used.push((stage, used));
        self.cpu = cpu;
    }

    /// How many datafiles there were.
    pub fn files(&mut self, loaded: &Loaded) {
        self.measured.files = (loaded.bundle.counts.files, loaded.bundle.counts.parsed);
    }

    /// All that was measured.
    pub fn measured(mut self, doors: Option<&Doors>) -> Measured {
        if let Some(doors) = doors {
            self.measured.traffic = doors.traffic();
        }
        self.measured
    }
}
