//! What evaluations may cost, counted in values and bytes: the same on every machine.

use super::SelectError;
use std::cell::Cell;

/// Work that an expression may do, in values visited (about a tenth of a microsecond each).
pub const MAX_WORK: u64 = 5_000_000;

/// Of that, what an expression may do however much the others of the run have done.
const FREE_WORK: u64 = 250_000;

/// What all expressions of a run may do together beyond [`FREE_WORK`].
pub const MAX_RUN_WORK: u64 = 50_000_000;

/// Bytes that the values of an evaluation may take at once, its regular expressions included.
pub const MAX_MEMORY: usize = 64 << 20;

/// What a value on its way through an expression takes, with its place in a list.
pub(super) const VALUE_BYTES: usize = 120;

/// What one evaluation may still do.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    spent: Cell<u64>,
    held: Cell<usize>,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, spent: Cell::new(0), held: Cell::new(0) }
    }

    /// Counts work.
    pub(super) fn spend(&self, work: usize) -> Result<(), SelectError> {
        self.spent.set(self.spent.get().saturating_add(work as u64));
        if self.spent.get() > self.limit {
            // All that is left is gone, so that nothing goes on from here.
            return Err(SelectError::TooMuchWork(self.limit));
        }
        Ok(())
    }

    /// Counts bytes that are kept.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), SelectError> {
        self.held.set(self.held.get().saturating_add(bytes));
        if self.held.get() > MAX_MEMORY { Err(SelectError::TooMuchMemory) } else { Ok(()) }
    }

    /// Runs what keeps none of the values that it makes.
    pub(super) fn releasing<T>(&self, work: impl FnOnce() -> T) -> T {
        let held = self.held.get();
        let result = work();
        self.held.set(held);
        result
    }

    pub(super) fn held(&self) -> usize {
        self.held.get()
    }

    pub(super) fn release_to(&self, held: usize) {
        self.held.set(held);
    }
}

/// What the expressions of a run may still do together.
#[derive(Debug)]
pub(super) struct RunBudget {
    left: u64,
}

impl Default for RunBudget {
    fn default() -> Self {
        Self { left: MAX_RUN_WORK }
    }
}

impl RunBudget {
    /// Runs one evaluation within what is left.
    pub(super) fn run<T>(
        &mut self,
        evaluate: impl FnOnce(&Budget) -> Result<T, SelectError>,
    ) -> Result<T, SelectError> {
        let budget = Budget::new(MAX_WORK.min(FREE_WORK + self.left));
        let result = evaluate(&budget);
        let beyond = budget.spent.get().saturating_sub(FREE_WORK);
        self.left = self.left.saturating_sub(beyond);
        match result {
            Err(SelectError::TooMuchWork(limit)) if limit < MAX_WORK => {
                Err(SelectError::RunExhausted)
            }
            result => result,
        }
    }
}
