//! Limits the cost of evaluations, counted in values and bytes, so that it is the same on every machine.

use super::SelectError;
use std::cell::Cell;

/// Maximum work of an expression, in visited values (about a tenth of a microsecond each).
pub const MAX_WORK: u64 = 5_000_000;

/// The part of it that an expression may always use, whatever the others of the run have used.
const FREE_WORK: u64 = 250_000;

/// Maximum work of all expressions of a run together beyond [`FREE_WORK`].
pub const MAX_RUN_WORK: u64 = 50_000_000;

/// Maximum bytes that the values of an evaluation use at once, including its regular expressions.
pub const MAX_MEMORY: usize = 64 << 20;

/// Size of a value during evaluation, with its entry in a list.
pub(super) const VALUE_BYTES: usize = 120;

/// The remaining budget of one evaluation.
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
            // Use up the rest, so that nothing continues.
            return Err(SelectError::TooMuchWork(self.limit));
        }
        Ok(())
    }

    /// Counts bytes that are kept.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), SelectError> {
        self.held.set(self.held.get().saturating_add(bytes));
        if self.held.get() > MAX_MEMORY { Err(SelectError::TooMuchMemory) } else { Ok(()) }
    }

    /// Runs work that keeps none of the values it creates.
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

/// The remaining budget that all expressions of a run share.
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
    /// Runs one evaluation within the remaining budget.
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
