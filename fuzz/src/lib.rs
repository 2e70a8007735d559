//! Code that parses text from outside, as fuzz targets, and the judge of every input.
//!
//! A [`Target`] takes any bytes. It must not panic, its properties must hold, and it must keep within its [`Limits`] of
//! processor time and memory. `scripts/fuzz` runs the targets with libFuzzer; the tests here run every seed and every
//! input that ever failed (`fuzz/regressions`).

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod cost;
mod seeds;
mod targets;
mod whole;

pub use cost::{Cost, CountingAllocator, Limits, Worst};
pub use seeds::seeds;
pub use targets::{TARGETS, Target, find};

/// Maximum size of an input: larger ones find nothing that smaller ones do not.
pub const MAX_INPUT_BYTES: usize = 32 << 10;

/// Runs a target on an input.
///
/// # Panics
/// When the input fails: the code panics, a property does not hold, or a limit is exceeded.
pub fn run(target: &Target, input: &[u8]) -> Cost {
    let cost = cost::measure(|| (target.run)(input));
    let limits = &target.limits;
    assert!(
        cost.cpu <= limits.cpu,
        "{}: {:?} of processor time, more than {:?}",
        target.name,
        cost.cpu,
        limits.cpu
    );
    assert!(
        cost.bytes <= limits.bytes,
        "{}: {} bytes of memory, more than {}",
        target.name,
        cost.bytes,
        limits.bytes
    );
    cost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    fn every_input_passes() {
        for target in TARGETS {
            let seeds = seeds(target.name);
            assert!(!seeds.is_empty(), "{} has no seeds", target.name);
            let folder = format!("{}/regressions/{}", env!("CARGO_MANIFEST_DIR"), target.name);
            let regressions = std::fs::read_dir(folder).into_iter().flatten();
            let regressions =
                regressions.map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
            for input in seeds.into_iter().chain(regressions) {
                (target.run)(&input);
            }
        }
    }

    fn the_judge_counts_memory() {
        let cost = cost::measure(|| drop(std::hint::black_box(vec![1_u8; 10 << 20])));
        assert!((10 << 20..11 << 20).contains(&cost.bytes), "{cost:?}");
    }

    /// A single test, because memory is counted for the whole process.
    #[test]
    fn every_seed_and_every_input_that_failed_once_passes() {
        the_judge_counts_memory();
        every_input_passes();
    }
}
