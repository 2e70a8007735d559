//! `sapm init`: what it writes is valid for all names, and it writes to an empty or new folder only.

mod first_promotion;
mod names;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sapm::init::{File, WriteError, write_files};

use crate::e2e::support::files_below;

/// Runs `sapm` without variables in a folder.
fn sapm(folder: &Path, args: &[&str]) -> Output {
    let mut sapm = Command::new(env!("CARGO_BIN_EXE_sapm"));
    sapm.args(args).env_clear().current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn succeed(folder: &Path, args: &[&str]) -> String {
    let output = sapm(folder, args);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// The files below a folder, with their texts.
fn read_all(folder: &Path) -> BTreeMap<String, String> {
    // A link to nowhere has no text.
    let read = |path: &std::path::PathBuf| {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap_or_default())
    };
    files_below(folder).iter().map(read).collect()
}

#[test]
fn a_config_repo_without_options() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!("said", succeed(folder.path(), &["init", "repo"]));
    let validated = succeed(folder.path(), &["validate", "--app-interface", "repo"]);
    assert_eq!(validated, "0 errors, 0 warnings in 7 datafiles\n");
    let files = read_all(&folder.path().join("repo"));
    insta::assert_snapshot!("saas_file", files["data/services/shop/saas.yml"]);
    insta::assert_snapshot!("readme", files["README.md"]);
    // An existing folder that is empty will do, too.
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    succeed(folder.path(), &["init", "empty"]);
    assert_eq!(read_all(&folder.path().join("empty")), files);
}

#[test]
fn only_an_empty_or_new_folder_is_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("full")).unwrap();
    std::fs::write(path("full/.hidden"), "mine").unwrap();
    std::fs::write(path("file"), "mine").unwrap();
    std::fs::create_dir(path("empty")).unwrap();
    std::os::unix::fs::symlink("empty", path("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", path("dangling")).unwrap();
    let before = read_all(folder.path());
    for (name, reason) in [
        ("full", "full is not empty"),
        ("file", "file is a file"),
        ("link", "link is a symbolic link"),
        ("dangling", "dangling is a symbolic link"),
        ("missing/repo", "cannot write missing/repo"),
    ] {
        let output = sapm(folder.path(), &["init", name]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]), "{name}: {error}");
        assert!(error.contains(reason), "{name}: {error}");
    }
    assert_eq!(read_all(folder.path()), before);
    assert!(!path("missing").exists() && !path("nowhere").exists());
    assert_eq!(std::fs::read_dir(path("empty")).unwrap().count(), 0);
}

#[test]
fn a_failed_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str| File { path: path.to_owned(), text: "text".to_owned() };
    // The last one is a folder by then.
    let files = [file("a/b/c"), file("d"), file("a/b")];
    for (name, stays) in [("new", false), ("empty", true)] {
        let target = folder.path().join(name);
        if stays {
            std::fs::create_dir(&target).unwrap();
        }
        let error = write_files(&target, &files).unwrap_err();
        assert!(
            matches!(&error, WriteError::Failed { path, .. } if path.ends_with("a/b")),
            "{error}"
        );
        assert_eq!(target.exists(), stays);
        assert_eq!(files_below(&target), Vec::<std::path::PathBuf>::new());
        assert!(!target.join("a").exists());
    }
}
