//! The cost of an input: processor time and memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The limits of an input.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Processor time, of all threads.
    pub cpu: Duration,
    /// Peak memory.
    pub bytes: usize,
}

/// The cost of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Processor time, of all threads.
    pub cpu: Duration,
    /// Peak memory.
    pub bytes: usize,
}

/// The maximum cost of all inputs so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Worst {
    /// Inputs.
    pub runs: u64,
    /// The maximum of each, not necessarily of one input.
    pub cost: Cost,
}

impl Worst {
    /// Adds another input.
    pub fn add(&mut self, cost: Cost) {
        self.runs += 1;
        self.cost.cpu = self.cost.cpu.max(cost.cpu);
        self.cost.bytes = self.cost.bytes.max(cost.bytes);
    }
}

pub(crate) fn measure(run: impl FnOnce()) -> Cost {
    let (held, start) = (HELD.load(Ordering::Relaxed), cpu());
    MOST.store(held, Ordering::Relaxed);
    run();
    let cpu = cpu().saturating_sub(start);
    Cost { cpu, bytes: MOST.load(Ordering::Relaxed).saturating_sub(held) }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The system's allocator, with a count of the allocated bytes.
pub struct CountingAllocator;

fn count(new: usize, old: usize) {
    let held = HELD.fetch_add(new, Ordering::Relaxed).wrapping_add(new);
    MOST.fetch_max(held, Ordering::Relaxed);
    HELD.fetch_sub(old, Ordering::Relaxed);
}

// SAFETY: every call is passed to the system's allocator unchanged; only numbers are added.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(at, layout, size) }
    }
}
