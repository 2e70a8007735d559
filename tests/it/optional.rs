//! Tests that need a program which not every machine has.

use std::io::Write as _;

/// Says that a test is skipped for want of something, which is an error where the variable `SAPM_REQUIRE_…` is set.
pub fn skipped(variable: &str, missing: &str) {
    let required = std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    assert!(!required, "{variable} is set, but {missing}");
    // Not by `eprintln!`: the test harness keeps that to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
}
