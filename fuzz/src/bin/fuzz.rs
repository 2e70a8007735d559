//! Runs libFuzzer on the target in `SAPM_FUZZ_TARGET`; started by `scripts/fuzz`.

#![no_main]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use sapm_fuzz::{CountingAllocator, Target, Worst, find, run};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("SAPM_FUZZ_TARGET").unwrap_or_default();
    // SAFETY: the function takes no arguments, and everything it uses lives as long as the process.
    #[allow(unsafe_code)]
    unsafe {
        libc::atexit(report)
    };
    find(&name).unwrap_or_else(|| panic!("SAPM_FUZZ_TARGET={name} is no target"))
});

static WORST: Mutex<Worst> = Mutex::new(Worst {
    runs: 0,
    cost: sapm_fuzz::Cost { cpu: std::time::Duration::ZERO, bytes: 0 },
});

extern "C" fn report() {
    let worst = WORST.lock().map(|worst| *worst).unwrap_or_default();
    eprintln!(
        "worst of {} inputs: {:?} of processor time, {:.1} MB of memory",
        worst.runs,
        worst.cost.cpu,
        worst.cost.bytes as f64 / 1e6
    );
}

fuzz_target!(|input: &[u8]| {
    let cost = run(&TARGET, input);
    if let Ok(mut worst) = WORST.lock() {
        worst.add(cost);
    }
});
