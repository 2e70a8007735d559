//! Checks the import rule of ARCHITECTURE.md in the sources.

use std::path::{Path, PathBuf};

/// What the pure modules may not use.
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
    let pure =
        ["domain", "inventory", "decide", "what_if", "plan", "old_promoter", "graph", "validate"];
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

/// The modules of `src` in the order of the table in `lib.rs`, the lowest first.
fn layers() -> Vec<String> {
    let lib = std::fs::read_to_string(src().join("lib.rs")).expect("lib.rs");
    let declared = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut declared: Vec<String> = declared.map(str::to_owned).collect();
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | [`")?.split_once("`]"));
    let layers: Vec<String> = rows.map(|(module, _)| module.to_owned()).collect();
    let mut listed = layers.clone();
    declared.sort();
    listed.sort();
    assert_eq!(listed, declared, "the table in lib.rs lists each module once");
    layers
}

/// What a module may not use: every other module that is not below it.
fn not_below(layers: &[String], module: usize) -> Vec<String> {
    layers[module + 1..].iter().map(|above| format!("crate::{above}")).collect()
}

/// The uses of modules that are above, except in unit tests.
fn uses_of_layers_above(module: &str, above: &[String]) -> Vec<String> {
    let mut files = sources_of(module);
    files.retain(|file| !file.ends_with("_tests.rs"));
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code(text) {
            for (at, _) in line.match_indices("crate::") {
                let name: String = line[at..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || "_:".contains(*c))
                    .collect();
                let module = name.split("::").take(2).collect::<Vec<_>>().join("::");
                if above.contains(&module) {
                    found.push(format!("{}:{number}: {module}", file.display()));
                }
            }
        }
    }
    found
}

fn sources_of(module: &str) -> Vec<PathBuf> {
    let file = src().join(format!("{module}.rs"));
    if file.is_file() { vec![file] } else { sources(&src().join(module)) }
}

#[test]
fn each_module_uses_only_modules_below_it() {
    let layers = layers();
    for (at, module) in layers.iter().enumerate() {
        let found = uses_of_layers_above(module, &not_below(&layers, at));
        assert_eq!(found, Vec::<String>::new(), "in {module}");
    }
}

#[test]
fn a_use_of_a_higher_module_is_detected() {
    let layers = layers();
    // In the reversed order, nearly every use is one of a module above.
    let reversed: Vec<String> = layers.iter().rev().cloned().collect();
    let run = reversed.iter().position(|module| module == "run").expect("run");
    assert!(!uses_of_layers_above("run", &not_below(&reversed, run)).is_empty());
}

#[test]
fn only_cli_and_tests_use_the_clients() {
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
        "ports",
        "run",
        "old_promoter",
        "preflight",
        "shadow",
    ] {
        assert_eq!(violations(module, &ends), Vec::<String>::new(), "in {module}");
    }
}

#[test]
fn observing_cannot_write() {
    for module in ["observe", "run", "preflight", "shadow"] {
        assert_eq!(violations(module, &["ForgeWriter"]), Vec::<String>::new(), "in {module}");
    }
}

#[test]
fn a_violation_is_detected() {
    // The module that may do everything breaks every rule.
    assert!(!violations("clients", &["reqwest"]).is_empty());
}
