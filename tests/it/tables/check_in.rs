//! Times of deployment, as Python reads them.

use proptest::prelude::*;
use sapm::domain::check_in::parse_check_in;

use super::{none, rows, table, texts, utc};

/// Rows of the reference's table that are errors there, but times here.
const CHECK_INS_THAT_WE_READ: [&str; 2] = [
    // Without an offset: UTC.
    "2026-08-18 10:15:30",
    "2026-08-18",
];

/// Texts that the reference (Python 3.14) accepts and Python 3.11 does not.
const HOURS_24: [&str; 4] =
    ["2026-08-18 24:00-00:00", "20260818 24.00000+0100", "2024-02-29_24:00Z", "2026W342T24+01"];

#[test]
fn check_ins_of_the_reference() {
    let table = table("isoformat");
    let now = utc(table["now"].as_str().expect("text"));
    for row in rows(&table) {
        let text = row["check_in"].as_str().expect("text");
        let parsed = parse_check_in(text);
        if CHECK_INS_THAT_WE_READ.contains(&text) {
            let expected = utc(row["parsed"].as_str().expect("text"));
            assert_eq!(parsed, Ok(expected), "{row}");
        } else if let Some(age) = row["seconds_before_now"].as_f64() {
            let parsed = parsed.unwrap_or_else(|error| panic!("{row}: {error}"));
            let found = (now - parsed).as_seconds_f64();
            assert!((found - age).abs() < 1e-6, "{row}: {found}");
        } else {
            // There, an empty text counts as absent.
            assert!(parsed.is_err(), "{row}: {parsed:?}");
        }
    }
}

#[test]
fn check_ins_of_python() {
    let table = table("isoformat-generated");
    let mut wrong = Vec::new();
    for row in rows(&table) {
        let text = row[0].as_str().expect("text");
        let parsed = parse_check_in(text).ok().map(|at| at.timestamp_micros());
        // 24:00 is midnight from Python 3.14 on.
        let midnight = row[1].is_null() && HOURS_24.contains(&text);
        if parsed != row[1].as_i64() && !midnight {
            wrong.push(format!("{row}: {parsed:?}"));
        }
    }
    none(&wrong);
}

const ISO: &[&str] = &[
    "2026", "-", "-", "08", "18", "T", " ", "10", ":", ":", "30", ".", ",", "123456", "Z", "+",
    "05", "W", "34", "24", "00", "1", "\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_breaks_the_time_parser(iso in texts(ISO)) {
        let _ = parse_check_in(&iso);
    }
}
