//! Measures the stages of a run.

use std::time::Instant;

use super::clients::Clients;
use super::process_usage;
use crate::report::{Measured, StageUse};
use crate::run::{ConfigRepo, Watch};

/// Measures consecutive stages.
pub struct Stopwatch {
    last: Instant,
    cpu: f64,
    measured: Measured,
}

impl Stopwatch {
    /// Starts the first stage.
    pub fn start() -> Self {
        Self {
            last: Instant::now(),
            cpu: process_usage::cpu_seconds(),
            measured: Measured::default(),
        }
    }

    /// Records the number of datafiles.
    pub fn files(&mut self, repo: &ConfigRepo) {
        self.measured.files = repo.bundle.counts;
    }

    /// Ends the run, successfully or not. Nothing more is fetched.
    pub fn ended(&mut self, clients: Option<&Clients>, failed: bool) {
        self.measured.traffic = clients.map(Clients::traffic).unwrap_or_default();
        self.measured.failed = failed;
        if failed {
            // A failed stage did not end, but does not belong to the next one either.
            (self.last, self.cpu) = (Instant::now(), process_usage::cpu_seconds());
        }
    }

    /// All measurements so far.
    pub fn measured(&self) -> &Measured {
        &self.measured
    }
}

impl Watch for Stopwatch {
    /// Ends a stage and starts the next. The parts of a stage that runs twice are added up.
    fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        let wall = (now - self.last).as_secs_f64();
        self.last = now;
        let cpu = process_usage::cpu_seconds();
        let used = StageUse {
            cpu_seconds: cpu - self.cpu,
            peak_memory_bytes: process_usage::peak_memory_bytes(),
        };
        self.cpu = cpu;
        let Measured { stages, used: all_used, .. } = &mut self.measured;
        match stages.iter().position(|(other, _)| *other == stage) {
            Some(at) => {
                stages[at].1 += wall;
                all_used[at].1.cpu_seconds += used.cpu_seconds;
                all_used[at].1.peak_memory_bytes = used.peak_memory_bytes;
            }
            None => {
                stages.push((stage, wall));
                all_used.push((stage, used));
            }
        }
    }
}
