//! Rules that come from Python libraries, compared to those libraries' own results.
//!
//! `tests/data/cron.json`, `isoformat.json` and `jsonpath.json` are the reference's results;
//! `*-generated.json` come from the scripts `croniter-table.py` and `jsonpath-table.py`.

mod check_in;
mod schedule;
mod selector;

use chrono::{DateTime, NaiveDateTime, Utc};
use proptest::prelude::*;
use serde_json::Value;

fn table(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("a table is JSON")
}

fn rows(table: &Value) -> &[Value] {
    table["rows"].as_array().expect("rows")
}

fn utc(text: &str) -> DateTime<Utc> {
    let text = text.trim_end_matches("+00:00");
    let at: NaiveDateTime = text.parse().expect("a time");
    at.and_utc()
}

/// Fails with all differences.
fn none(differences: &[String]) {
    let count = differences.len();
    assert!(differences.is_empty(), "{count}:\n{}", differences.join("\n"));
}

/// Texts made of the pieces of a grammar, and of anything else.
fn texts(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}
