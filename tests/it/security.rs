//! The table of attacks in SECURITY.md names tests that are there.

use std::collections::BTreeSet;
use std::path::Path;

/// How many rows there are at least.
const ROWS: usize = 60;

/// File and test of each row.
fn rows() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let (_, table) = page.split_once("## Attacks").expect("the table");
    let rows = table.lines().filter(|line| {
        let number = line.trim_start_matches("| ").split(' ').next().unwrap_or_default();
        number.parse::<usize>().is_ok()
    });
    let cells = rows.map(|row| {
        let test = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let named: Vec<&str> = test.split('`').filter(|part| !part.trim().is_empty()).collect();
        let [file, name] = named.as_slice() else { panic!("no file and test: {row}") };
        ((*file).to_owned(), (*name).to_owned())
    });
    cells.collect()
}

#[test]
fn every_attack_is_held_by_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows = rows();
    assert!(rows.len() >= ROWS, "{} rows", rows.len());
    for (file, name) in &rows {
        let text =
            std::fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let declared = format!("fn {name}(");
        let at =
            lines.iter().position(|line| line.trim_start_matches("async ").starts_with(&declared));
        let at = at.unwrap_or_else(|| panic!("{file} has no {name}"));
        let test = lines[..at].iter().rev().take_while(|line| !line.is_empty());
        let marked = test.clone().any(|line| line.contains("test]") || line.contains("test("));
        assert!(marked, "{name} in {file} is no test");
        assert!(!test.clone().any(|line| line.contains("ignore")), "{name} in {file} is not run");
    }
    let tests: BTreeSet<_> = rows.iter().collect();
    assert_eq!(tests.len(), rows.len(), "each row has a test of its own");
}
