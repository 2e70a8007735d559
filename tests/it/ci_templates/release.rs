//! The scripts that the release jobs call.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::pipeline::read;

/// Runs `scripts/release-notes` in a project of this version with this changelog.
fn release_notes(cargo: &str, changelog: &str, version: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("scripts")).unwrap();
    write("scripts/release-notes", &read("scripts/release-notes"));
    write("Cargo.toml", &format!("[workspace.package]\nversion = \"{cargo}\"\n"));
    write("CHANGELOG.md", changelog);
    let mut script = Command::new("bash");
    script.arg(folder.path().join("scripts/release-notes")).arg(version);
    script.stdin(Stdio::null()).output().unwrap()
}

const CHANGELOG: &str = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Later.\n\n\
    ## 1.2.30 - 2026-11-01\n\n- Not this one.\n\n\
    ## 1.2.3 - 2026-10-01\n\n### Added\n\n- This.\n\n## 1.2.2\n\n- Old.\n\n## 1.2.1\n";

#[test]
fn release_notes_are_the_section_of_the_version() {
    for (version, notes) in [("1.2.3", "### Added\n\n- This.\n"), ("1.2.2", "- Old.\n")] {
        let output = release_notes(version, CHANGELOG, version);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), notes, "{version}");
    }
}

#[test]
fn an_inconsistent_release_is_refused() {
    for (cargo, version, word) in [
        ("1.2.3", "v1.2.3", "without a v"),
        ("1.2.3", "1.2", "semantic version"),
        ("1.2.3", "1.2.2", "Cargo.toml has 1.2.3"),
        ("1.3.0", "1.3.0", "no section"),
        ("1.2.1", "1.2.1", "nothing in it"),
    ] {
        let output = release_notes(cargo, CHANGELOG, version);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(word), "{version}: {error}");
        assert_eq!(output.stdout, b"", "{version}");
    }
}

#[test]
fn the_current_version_can_be_released() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/release-notes");
    let output = Command::new(script).arg(env!("CARGO_PKG_VERSION")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_component_has_the_layout_of_gitlabs_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for needed in ["scripts", "ci-templates"] {
        std::fs::create_dir(path(needed)).unwrap();
    }
    let templates = ["promotions.yml", "record.yml"];
    let templates =
        templates.map(|name| (format!("templates/{name}"), format!("ci-templates/{name}")));
    let sources = templates.iter().map(|(_, source)| source.as_str());
    for file in sources.chain(["scripts/build-component", "LICENSE", "Cargo.toml"]) {
        std::fs::write(path(file), read(file)).unwrap();
    }
    let output = Command::new("bash").arg(path("scripts/build-component")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made = |name: &str| std::fs::read_to_string(path("target/component").join(name)).unwrap();
    for (template, source) in &templates {
        assert_eq!(made(template), read(source));
    }
    assert!(!made("LICENSE.md").is_empty());
    let page = made("README.md");
    let version = env!("CARGO_PKG_VERSION");
    assert!(page.contains(&format!("/promotions@{version}\n")), "{page}");
    assert!(page.contains("$CI_SERVER_FQDN/") && page.contains("state: s3://BUCKET"), "{page}");
    // Only a job that creates a release can publish a version in the catalog.
    let pipeline: serde_yaml::Value = serde_yaml::from_str(&made(".gitlab-ci.yml")).unwrap();
    let job = &pipeline["publish"];
    assert_eq!(job["release"]["tag_name"], "$CI_COMMIT_TAG");
    let rules = job["rules"].as_sequence().unwrap();
    assert_eq!(rules.len(), 1);
    assert!(rules[0]["if"].as_str().unwrap().starts_with("$CI_COMMIT_TAG =~ /^"), "{rules:?}");
}

#[test]
fn scripts_called_by_jobs_exist_and_are_executable() {
    let pipeline = read(".gitlab-ci.yml");
    let mut called = 0;
    for line in pipeline.lines().filter_map(|line| line.trim().strip_prefix("- scripts/")) {
        let name = line.split_whitespace().next().unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
        let permissions =
            std::fs::metadata(&path).unwrap_or_else(|e| panic!("{name}: {e}")).permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&permissions);
        assert_eq!(mode & 0o111, 0o111, "{name} cannot be run");
        called += 1;
    }
    assert!(called >= 8, "{called}");
}

/// Runs `scripts/audit` with a cargo that does or does not have a `cargo deny` that can fetch.
fn audit(deny: &str, advisories: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    std::fs::write(&cargo, format!("#!/bin/sh\n{deny}\n")).unwrap();
    std::fs::set_permissions(&cargo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/audit");
    let mut call = Command::new("bash");
    call.arg(script).env("PATH", path).env("AUDIT_ADVISORIES", advisories);
    let output = call.env_remove("INSTALL_CARGO_DENY").stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_audit_lists_advisories_it_did_not_check() {
    let crates = read("Cargo.lock").matches("\nname = ").count();
    let rustsec = format!("advisories not looked up: RustSec's of all {crates} crates");
    let no_fetch = "case \"$*\" in *fetch*) exit 1;; esac";
    for (deny, advisories, code, looked_up) in [
        ("exit 1", "", 0, false),
        ("exit 1", "1", 1, false),
        ("exit 0", "", 0, false),
        (no_fetch, "1", 1, false),
        ("exit 0", "1", 0, true),
    ] {
        let (ended, said) = audit(deny, advisories);
        assert_eq!(ended, Some(code), "{deny:?}: {said}");
        assert_eq!(said.contains(&rustsec), !looked_up, "{deny:?}: {said}");
        assert_eq!(said.contains("advisories looked up: RustSec's"), looked_up, "{said}");
        for place in [
            "libgit2-sys 0.",
            "aws-lc-sys 0.",
            "libz-sys 1.",
            "alpine:",
            "busybox:",
            "npm packages",
        ] {
            assert!(said.contains(place), "{place}: {said}");
        }
    }
}

/// Runs `scripts/upload-release` with a curl that records its arguments.
fn uploaded() -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for needed in ["scripts", "docs/schemas/datafiles", "target/dist", "bin"] {
        std::fs::create_dir_all(path(needed)).unwrap();
    }
    std::fs::write(path("scripts/upload-release"), read("scripts/upload-release")).unwrap();
    for schema in schemas() {
        std::fs::write(path("docs").join(schema), "{}").unwrap();
    }
    let curl = path("bin/curl");
    std::fs::write(&curl, format!("#!/bin/sh\necho \"$@\" >> {}\n", path("calls").display()))
        .unwrap();
    std::fs::set_permissions(&curl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let search = format!("{}:{}", path("bin").display(), std::env::var("PATH").unwrap());
    let mut script = Command::new("bash");
    script.arg(path("scripts/upload-release")).arg("1.2.3").env("PATH", search);
    script.env("CI_API_V4_URL", "https://gitlab.test/api/v4").env("CI_PROJECT_ID", "7");
    let output = script.env("CI_JOB_TOKEN", "secret").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = std::fs::read_to_string(path("calls")).unwrap();
    assert!(!calls.contains("secret"), "{calls}");
    calls
}

#[test]
fn completions_and_manual_pages_are_packed_from_the_binary_reproducibly() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("scripts")).unwrap();
    std::fs::write(path("scripts/build-extras"), read("scripts/build-extras")).unwrap();
    let build = || {
        let mut script = Command::new("bash");
        script.arg(path("scripts/build-extras")).arg(env!("CARGO_BIN_EXE_sapm"));
        let output = script.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(path("target/dist/sapm-extras.tar.gz")).unwrap()
    };
    assert!(build() == build(), "the same binary gives the same bytes");
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--gzip", "--file"]).arg(path("target/dist/sapm-extras.tar.gz"));
    assert!(tar.arg("--directory").arg(folder.path()).status().unwrap().success());
    for (file, part) in [
        ("bash-completion/completions/sapm", "complete -o bashdefault"),
        ("zsh/site-functions/_sapm", "#compdef sapm"),
        ("fish/vendor_completions.d/sapm.fish", "complete --command sapm"),
        ("man/man1/sapm.1", "sapm\\-explain(1)"),
        ("man/man1/sapm-explain.1", ".SH EXAMPLES"),
    ] {
        let text = std::fs::read_to_string(path("share").join(file)).unwrap();
        assert!(text.contains(part), "{file}: {text}");
    }
}

fn schemas() -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let files = ["schemas", "schemas/datafiles"]
        .map(|folder| std::fs::read_dir(docs.join(folder)).unwrap());
    let files = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    let paths = files.filter(|path| path.is_file());
    paths.map(|path| path.strip_prefix(&docs).unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn a_release_has_its_schemas_and_the_list_of_its_crates() {
    let build = read("scripts/build-static");
    // Cargo keeps what it builds with a profile in a folder of its name, and all of target/dist is uploaded.
    assert!(!read("Cargo.toml").contains("[profile.dist"));
    assert!(build.contains("cargo auditable build") && build.contains(".dep-v0"), "{build}");
    assert!(build.contains("scripts/build-sbom"), "{build}");
    let uploaded = uploaded();
    let pipeline: serde_yaml::Value = serde_yaml::from_str(&read(".gitlab-ci.yml")).unwrap();
    let links = pipeline["release"]["release"]["assets"]["links"].as_sequence().unwrap();
    assert!(build.contains("scripts/build-extras"), "{build}");
    let files = ["sapm", "sapm.sha256", "sapm.cdx.json", "sapm-extras.tar.gz"].map(str::to_owned);
    for path in files.into_iter().chain(schemas()) {
        let file = path.rsplit('/').next().unwrap();
        let linked = links.iter().any(|link| link["filepath"] == format!("/{file}"));
        assert!(linked, "{file} is not linked");
        let address =
            format!("https://gitlab.test/api/v4/projects/7/packages/generic/sapm/1.2.3/{file}\n");
        assert!(uploaded.contains(&address), "{file}: {uploaded}");
    }
}
