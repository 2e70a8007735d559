//! The tests named in the table of SECURITY.md exist.

use std::collections::BTreeSet;
use std::path::Path;

/// Minimum number of rows.
const ROWS: usize = 60;

/// A table with a test as the last cell of each row: first cell, file and test.
pub(crate) fn rows_with_tests(page: &str) -> Vec<(String, String, String)> {
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains(".rs` `"));
    let cells = rows.map(|row| {
        let id = row.trim_start_matches("| ").split(' ').next().unwrap_or_default();
        let test = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let named: Vec<&str> = test.split('`').filter(|part| !part.trim().is_empty()).collect();
        let [file, name] = named.as_slice() else { panic!("no file and test: {row}") };
        (id.to_owned(), (*file).to_owned(), (*name).to_owned())
    });
    cells.collect()
}

pub(crate) fn read(page: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect(page)
}

/// Checks that the test exists and runs.
pub(crate) fn assert_is_test(file: &str, name: &str) {
    let text = read(file);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = format!("fn {name}(");
    let at = lines.iter().position(|line| line.trim_start_matches("async ").starts_with(&declared));
    let at = at.unwrap_or_else(|| panic!("{file} has no {name}"));
    let test = lines[..at].iter().rev().take_while(|line| !line.is_empty());
    let marked = test.clone().any(|line| line.contains("test]") || line.contains("test("));
    assert!(marked, "{name} in {file} is no test");
    assert!(!test.clone().any(|line| line.contains("ignore")), "{name} in {file} is not run");
}

#[test]
fn every_attack_has_an_existing_test() {
    let page = read("SECURITY.md");
    let (_, table) = page.split_once("## Attacks").expect("the table");
    let rows = rows_with_tests(table);
    assert!(rows.len() >= ROWS, "{} rows", rows.len());
    rows.iter().for_each(|(_, file, name)| assert_is_test(file, name));
    let tests: BTreeSet<_> = rows.iter().map(|(_, file, name)| (file, name)).collect();
    assert_eq!(tests.len(), rows.len(), "each row has a test of its own");
}
