//! `docs/problems.md` knows every code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// Every code that the program gives to a problem: the first text behind what makes one.
fn codes() -> BTreeSet<String> {
    let makes = r#"(?:Problem::error|Problem::warning|into_problem|\bfail)\(\s*(?:inventory, member, )?(?:"([a-z_]+)"|code)|let code = if \w+ \{ "([a-z_]+)" \} else \{ "([a-z_]+)" \}"#;
    let makes = fancy_regex::Regex::new(makes).unwrap();
    let mut codes = BTreeSet::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(file).unwrap();
        // Tests make up codes.
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for found in makes.captures_iter(text) {
            let found = found.unwrap();
            codes.extend((1..=3).filter_map(|group| Some(found.get(group)?.as_str().to_owned())));
        }
    }
    codes
}

#[test]
fn every_code_is_explained_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/problems.md");
    let manual = std::fs::read_to_string(path).unwrap();
    let headings = manual.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let explained: BTreeSet<String> = headings.map(str::to_owned).collect();
    assert_eq!(codes(), explained);
    // The rules are files of the names of their codes.
    let rules = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/validate/rules"));
    for rule in rules.iter().filter(|path| !path.ends_with("mod.rs")) {
        let code = rule.file_stem().unwrap().to_str().unwrap();
        assert!(explained.contains(code), "{code}");
    }
}
