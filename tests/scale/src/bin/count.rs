//! Runs each stage that needs no network once, and prints what it allocated. `tests/growth.rs` runs it: as it is, and
//! under callgrind, which counts the instructions of the functions below.

#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use sapm::decide::Decisions;
use sapm::plan::Plan;
use sapm::report::PlanReport;
use scale::{Pushed, Size, Stages};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator, which counts how often it is asked.
struct Counting;

// SAFETY: every call goes to the system's allocator as it is; beside it a number is added.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[inline(never)]
fn stage_load(stages: &Stages) {
    black_box(stages.load());
}

#[inline(never)]
fn stage_load_known(stages: &Stages) {
    black_box(stages.load_known());
}

#[inline(never)]
fn stage_inventory(stages: &Stages) {
    black_box(stages.take_inventory());
}

#[inline(never)]
fn stage_decide(stages: &Stages) -> Decisions {
    stages.decide()
}

#[inline(never)]
fn stage_plan(stages: &Stages, decisions: &Decisions) -> Plan {
    stages.plan(decisions)
}

#[inline(never)]
fn stage_report(stages: &Stages, decisions: &Decisions, plan: &Plan) -> PlanReport {
    stages.report(decisions, plan)
}

#[inline(never)]
fn stage_render(report: &PlanReport) {
    black_box(Stages::render(report));
}

#[inline(never)]
fn stage_branches(pushed: &Pushed) {
    pushed.read();
}

fn counted<T>(name: &str, stage: impl FnOnce() -> T) -> T {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let made = stage();
    println!("{name} {}", ALLOCATIONS.load(Ordering::Relaxed) - before);
    made
}

fn main() {
    let services: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let size = Size { services, files: services * 10, due: services / 4 };
    let stages = Stages::of(size);
    counted("load", || stage_load(&stages));
    counted("load_known", || stage_load_known(&stages));
    counted("inventory", || stage_inventory(&stages));
    let decisions = counted("decide", || stage_decide(&stages));
    let plan = counted("plan", || stage_plan(&stages, &decisions));
    assert!(!plan.merge_requests.is_empty());
    let report = counted("report", || stage_report(&stages, &decisions, &plan));
    counted("render", || stage_render(&report));
    // As many files as the datafiles of the largest folder of a config repo.
    let pushed = Pushed::beside(services * 25);
    counted("branches", || stage_branches(&pushed));
}
