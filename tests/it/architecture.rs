//! The import rule of ARCHITECTURE.md, read off the source.

use std::path::{Path, PathBuf};

/// What the pure modules may not name.
const IMPURE: [&str; 12] = [
    "tokio",
    "reqwest",
    "git2",
    "hyper",
    "aws_sdk_s3",
    "gitlab::",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "Utc::now",
    "SystemTime::now",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
}

fn violations(module: &str, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let files = sources(&src().join(module));
    assert!(!files.is_empty(), "src/{module} has no files");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for (number, line) in code(&text) {
            for name in forbidden.iter().filter(|name| line.contains(**name)) {
                found.push(format!("{}:{number}: {name}", file.display()));
            }
        }
    }
    found
}

#[test]
fn pure_modules_name_no_runtime_network_clock_or_files() {
    let pure = ["domain", "inventory", "decide", "what_if", "plan", "graph", "validate"];
    let engines = [
        "../crates/croniter",
        "../crates/jsonpath-ng",
        "../crates/layered-layout",
        "../crates/yaml11",
    ];
    for module in pure.into_iter().chain(engines) {
        assert_eq!(violations(module, &IMPURE), Vec::<String>::new(), "in {module}");
    }
}

#[test]
fn only_the_ends_know_the_clients() {
    let ends = ["crate::clients", "crate::cli"];
    for module in [
        "domain",
        "app_interface",
        "inventory",
        "decide",
        "what_if",
        "plan",
        "observe",
        "apply",
        "graph",
        "report",
        "validate",
    ] {
        assert_eq!(violations(module, &ends), Vec::<String>::new(), "in {module}");
    }
}

#[test]
fn observing_cannot_write() {
    let files = sources(&src().join("observe"));
    for file in files.iter().filter(|file| !file.ends_with("ports.rs")) {
        let text = std::fs::read_to_string(file).expect("a source file");
        assert!(!text.contains("ForgeWriter"), "{} names the writer", file.display());
    }
}

#[test]
fn a_rule_that_is_broken_is_found() {
    // The module that is allowed to do everything breaks every rule.
    assert!(!violations("clients", &["reqwest"]).is_empty());
}
