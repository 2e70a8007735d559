//! Manual pages.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::CommandFactory as _;
use sapm::cli::Cli;

use super::terminal::installed;
use super::{sapm, silent};

/// Writes the pages into a new folder.
fn pages(root: &Path) -> Vec<PathBuf> {
    let folder = root.join("share/man/man1");
    assert_eq!(silent(sapm(root).args(["man", "share/man/man1"])), "");
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

/// A page as `man` shows it.
fn shown(page: &Path) -> String {
    let mut man = Command::new("man");
    man.arg("-l").arg(page).env("MANWIDTH", "120").env("LC_ALL", "C.UTF-8").env("MANPAGER", "cat");
    let output = man.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", page.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = pages(folder.path())
        .iter()
        .map(|page| page.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let command = Cli::command();
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    let mut expected: Vec<String> =
        visible.map(|command| format!("sapm-{}.1", command.get_name())).collect();
    expected.push("sapm.1".to_owned());
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn pages_are_the_same_whatever_is_set() {
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let plain = pages(one.path());
    let mut call = sapm(other.path());
    call.envs([("SAPM_STATE", ""), ("SAPM_GITLAB_URL", "https://user:secret@gitlab.test")]);
    silent(call.args(["man", "share/man/man1"]));
    for page in plain {
        let same = other.path().join(page.strip_prefix(one.path()).unwrap());
        assert_eq!(std::fs::read_to_string(&page).unwrap(), std::fs::read_to_string(same).unwrap());
    }
}

#[test]
fn pages_have_options_variables_exit_codes_and_examples() {
    if !installed("man") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for page in pages(folder.path()) {
        let text = shown(&page);
        let name = page.file_stem().unwrap().to_str().unwrap();
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS"] {
            let there = text.lines().any(|line| line == heading);
            assert!(there, "{name} has no {heading}:\n{text}");
        }
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines.contains(&"143 SIGTERM ended the run; its reports are written"), "{text}");
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{name}");
    }
    let plan = shown(&folder.path().join("share/man/man1/sapm-plan.1"));
    for part in [
        "--detailed-exitcode",
        "SAPM_STATE",
        "sapm plan --app-name orders --format markdown",
        "SERVICES",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let sapm = shown(&folder.path().join("share/man/man1/sapm.1"));
    for part in ["ENVIRONMENT", "SAPM_GITLAB_TOKEN", "sapm-explain(1)"] {
        assert!(sapm.contains(part), "{part}: {sapm}");
    }
    assert!(!sapm.contains("__complete"), "{sapm}");
}

#[test]
fn mandoc_finds_nothing_wrong_with_the_pages() {
    if !installed("mandoc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut mandoc = Command::new("mandoc");
    mandoc.args(["-T", "lint", "-W", "warning"]).args(pages(folder.path()));
    let output = mandoc.stdin(Stdio::null()).output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    // A date would make two builds of a version differ.
    let found: Vec<&str> = found.lines().filter(|line| !line.contains("missing date")).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let output = sapm(folder.path()).args(["man", "file/man1"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("file/man1") && error.contains("hint:"), "{error}");
}
