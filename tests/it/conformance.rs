//! Conformance: small config repos with recorded facts and the expected result, see
//! `tests/conformance/README.md`. Each case runs twice with the real binary.
//!
//! `CONFORMANCE_ONLY=h1` selects the cases whose names begin with it.

mod case;
mod edit;
mod format;
mod judge;
mod self_test;

use case::Case;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/cases");
/// Maximum complaints printed per case.
const SHOWN: usize = 4;

/// The complaints about each case; none if it passed.
type Results = BTreeMap<String, Vec<String>>;

#[test]
fn every_case_gives_the_expected_plan() {
    let only = std::env::var_os("CONFORMANCE_ONLY").unwrap_or_default();
    let only = only.to_string_lossy();
    let cases = case::find(Path::new(CASES), &only).expect("the folder of the cases can be read");
    assert!(!cases.is_empty(), "no case {only}* in {CASES}");
    let results = run_all(&cases);
    let report = report(&results);
    // Directly to the stream, so that a passing test shows its table too.
    let _ = writeln!(std::io::stderr(), "{report}");
    assert!(results.values().all(Vec::is_empty), "some cases are answered wrong\n{report}");
}

/// Runs and judges the cases, several in parallel.
fn run_all(cases: &[Case]) -> Results {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Results::new());
    let threads = thread::available_parallelism().map_or(2, |n| n.get().min(8));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let complaints = judge::case(case);
                    let mut results = results.lock().expect("no thread panics with the lock");
                    results.insert(case.name.clone(), complaints);
                }
            });
        }
    });
    results.into_inner().expect("no thread panics with the lock")
}

/// A table by family, and one line per failing case.
fn report(results: &Results) -> String {
    let mut families: BTreeMap<char, (usize, usize)> = BTreeMap::new();
    for (name, complaints) in results {
        let (passed, total) = families.entry(name.chars().next().unwrap_or('?')).or_default();
        *passed += usize::from(complaints.is_empty());
        *total += 1;
    }
    let mut lines = vec!["family  passed / total".to_owned()];
    for (family, (passed, total)) in &families {
        let mark = if passed == total { "" } else { "   <--" };
        lines.push(format!("{family:6}  {passed:6} / {total}{mark}"));
    }
    let passed = results.values().filter(|complaints| complaints.is_empty()).count();
    lines.push(format!("all     {passed:6} / {}", results.len()));
    for (name, complaints) in results.iter().filter(|(_, complaints)| !complaints.is_empty()) {
        let shown = complaints.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>();
        let more = match complaints.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        lines.push(format!("FAIL {name}: {}{more}", shown.join("; ")));
    }
    lines.join("\n")
}
