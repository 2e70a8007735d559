//! `docs/problems.md` lists every code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sapm::domain::{ProblemCode, Severity};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_code_is_explained() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/problems.md");
    let manual = std::fs::read_to_string(path).unwrap();
    let headings = manual.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let explained: BTreeSet<String> = headings.map(str::to_owned).collect();
    let codes: BTreeSet<String> = ProblemCode::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(codes, explained);
    let parts = manual.split("\n## ").skip(1);
    for (part, code) in parts.flat_map(|part| ProblemCode::ALL.iter().map(move |code| (part, code)))
    {
        let title = part.lines().next().unwrap_or_default();
        let severity = if title.contains("warnings") { Severity::Warning } else { Severity::Error };
        // `validate` reports this one as an error.
        let is_raised = *code == ProblemCode::PublisherSelectorWithoutMatch;
        let is_of_files = title.starts_with("The files") && !is_raised;
        if is_of_files && part.contains(&format!("### `{code}`\n")) {
            assert_eq!(code.severity(), severity, "{code} is in \"{title}\"");
        }
    }
    // Rules are files with the names of their codes.
    let rules = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/validate/rules"));
    for rule in rules.iter().filter(|path| !path.ends_with("mod.rs")) {
        let code = rule.file_stem().unwrap().to_str().unwrap();
        assert!(explained.contains(code), "{code}");
    }
}
