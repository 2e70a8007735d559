//! Initial inputs: the conformance cases, and typical texts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::MAX_INPUT_BYTES;
use crate::whole::MARK;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/cases");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// Path below `data` and text of the relevant datafiles of a case.
fn datafiles(case: &Path) -> Vec<(String, String)> {
    let (data, mut found) = (case.join("data"), Vec::new());
    walk(&data, &mut found);
    let relevant =
        ["saas-file", "app-1", "namespace-1", "cluster-1", "environment-1", "slo-document"];
    let text = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).ok()?;
        let name = format!("/{}", path.strip_prefix(&data).ok()?.display());
        relevant.iter().any(|schema| text.contains(schema)).then_some((name, text))
    };
    found.iter().filter_map(text).collect()
}

fn snapshots() -> Vec<String> {
    cases()
        .iter()
        .filter_map(|case| std::fs::read_to_string(case.join("snapshot.json")).ok())
        .collect()
}

fn bundles() -> Vec<String> {
    let bundle = |case: &PathBuf| {
        let mut text = String::new();
        for (path, file) in datafiles(case) {
            text += &format!("{MARK}{path}\n{file}");
        }
        let snapshot = std::fs::read_to_string(case.join("snapshot.json")).unwrap_or_default();
        text + &format!("{MARK}\n{snapshot}")
    };
    cases().iter().map(bundle).collect()
}

/// The text after a key in the datafiles of the cases.
fn values(key: &str) -> Vec<String> {
    let files = cases().iter().flat_map(|case| datafiles(case)).collect::<Vec<_>>();
    let lines = files.iter().flat_map(|(_, text)| text.lines());
    let value = lines.filter_map(|line| {
        let (found, value) = line.trim().trim_start_matches("- ").split_once(": ")?;
        (found == key).then(|| value.trim_matches(['"', '\'']).to_owned())
    });
    value.collect()
}

fn selectors() -> Vec<String> {
    let files = cases().iter().flat_map(|case| datafiles(case)).collect::<Vec<_>>();
    let lines = files.iter().flat_map(|(_, text)| text.lines());
    let items = lines.filter_map(|line| line.trim().strip_prefix("- "));
    let mut found: Vec<String> = items
        .filter(|item| item.contains("namespace["))
        .map(|item| item.trim_matches(['"', '\'']).to_owned())
        .collect();
    found.extend(
        [
            r#"namespace[?(@.cluster.name=="crcp01ue1" & @.environment.name =~ ".*stage.*")]"#,
            "$..name",
            "namespace[0:2].labels.*",
            "namespace[\\name].name.`sub(/rbac-(.*)/, \\\\1)`",
            "namespace[*].name.`split(-, 0, -1)`",
            "namespace.`sorted`.`len`",
            "namespace[?(@.labels.team)].name + \"x\"",
            "(namespace|other)[*].`parent`.name",
        ]
        .map(str::to_owned),
    );
    found
}

const PATTERNS: [&str; 12] = [
    ".*stage.*",
    "^(?:a|b)+$",
    r"(\w+)-\1",
    "(?i)CRC",
    "(?P<x>a)(?P=x)",
    "a{2,5}?",
    "[^a-z\\d_]",
    "(?<!x)y(?=z)",
    "(?#comment)a(?s:.)",
    r"\Aa\Z|\bx\B",
    "[]a]|[a\\]]",
    "(?(1)a|b)",
];

const CHECK_INS: [&str; 8] = [
    "2026-07-01 08:00:00.000000+00:00",
    "2026-07-01T08:00:00Z",
    "2026-07-01",
    "2026-07-01 08:00",
    "2026-07-01 08:00:00.123-04:30",
    "20260701T080000+0000",
    "2026-W27-3",
    "2026-02-29 24:00:00",
];

const SCHEDULES: [&str; 10] = [
    "* * * * *",
    "* * 8-14 * 5",
    "*/15 9-17 * * mon-fri",
    "0 0 29 2 *",
    "59/15 23/6 31/5 * *",
    "0 4 1 1 sun",
    "0 0 l * *",
    "0 0 * * 5#2",
    "@daily",
    "1,2,3-5/2 0 */2 jan-mar 7",
];

const URLS: [&str; 8] = [
    "https://github.com/Org/App.git/\nhttps://user:secret@github.com:443/org/app?x#y",
    "git@github.com:org/app.git",
    "ssh://git@gitlab.example.com:22/a/b",
    "https://gitlab.example.com/a/b/-/tree/main",
    "http://[::1]:80/a%2fb/../c",
    "file:///srv/git/a",
    "HTTPS://EXAMPLE.com./a//b",
    "../relative",
];

const TRAILERS: &str = "[AutoPromoterV2] x\n\nbody\n\nSapm-Version: 1\n\
     Sapm-Targets: c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc\nSapm-Target-Branch: main\n\
     Sapm-Path: data/a%20b.yml\nSapm-Ref: c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc\n\
     Sapm-Hashes: a%3Db=saas-x=00ff\nSapm-Base: c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc\n\
     Sapm-Base-Digest: aa\nSapm-Text-Digest: bb\nSapm-Patch: cc\nSapm-Depends-On: /a.yml,/b.yml\n";

const CODE_OWNERS: [&str; 2] = [
    "docs/a/b.md\n* @ann\n/docs/**/*.md @bob cy@example.com # @dee\n!*.rb\n\\#a\\ b/ @@maintainer\n",
    "data/saas.yml\n^[Docs][2] @ann @group/sub\ndata/\n[docs]\n[!a-c]*?.y[m]l @bob\n!saas.yml\n",
];

const REFS: [&str; 4] = [
    "0032c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc refs/heads/main\n0000",
    "001e# service=git-upload-pack\n0000000eversion 2\n0000",
    "004bc2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc refs/tags/v1 peeled:c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc\n0000",
    "001e# service=git-upload-pack\n00000046c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc HEAD\0symref=HEAD:refs/heads/main\n0000",
];

const GITLAB: [&str; 4] = [
    r#"{"id": 7, "path_with_namespace": "a/b", "default_branch": "main", "web_url": "https://gitlab.example.com/a/b", "permissions": {"project_access": {"access_level": 30}}}"#,
    r#"{"id": 1, "username": "bot", "name": "Bot", "email": "bot@example.com", "is_admin": false}"#,
    r#"{"iid": 3, "state": "opened", "title": "x", "description": "y", "source_branch": "b", "target_branch": "main", "sha": "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc", "web_url": "https://gitlab.example.com/a/b/-/merge_requests/3", "labels": ["SAPM"], "author": {"id": 1, "username": "bot"}, "created_at": "2026-08-20T10:15:30Z", "updated_at": "2026-08-20T10:15:30Z", "draft": false, "source_project_id": 7, "target_project_id": 7}"#,
    r#"{"name": "b", "commit": {"id": "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc", "parent_ids": [], "message": "x", "title": "x", "author_name": "Bot", "author_email": "bot@example.com", "committer_name": "Bot", "committer_email": "bot@example.com", "committed_date": "2026-08-20T10:15:30Z", "created_at": "2026-08-20T10:15:30Z"}}"#,
];

/// Seeds of a target, without duplicates.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let texts: Vec<String> = match target {
        "yaml" => {
            let files = cases().iter().flat_map(|case| datafiles(case)).collect::<Vec<_>>();
            let targets = files.into_iter().filter(|(_, text)| text.contains("promotion"));
            let choice = |(number, (_, text)): (usize, (String, String))| {
                format!("{text}\0{}", char::from(u8::try_from(number % 64).unwrap_or_default()))
            };
            targets.enumerate().map(choice).collect()
        }
        "jsonpath" => selectors(),
        "pattern" => owned(&PATTERNS),
        "schedule" => values("schedule").into_iter().chain(owned(&SCHEDULES)).collect(),
        "check_in" => owned(&CHECK_INS),
        "url" => values("url").into_iter().chain(owned(&URLS)).collect(),
        "git_refs" => owned(&REFS),
        "trailers" => vec![TRAILERS.to_owned()],
        "code_owners" => owned(&CODE_OWNERS),
        "gitlab" => owned(&GITLAB),
        "snapshot" => snapshots(),
        "run" => bundles(),
        _ => Vec::new(),
    };
    let distinct: BTreeSet<String> = texts.into_iter().collect();
    let distinct = distinct.into_iter().map(String::into_bytes);
    distinct.filter(|seed| seed.len() <= MAX_INPUT_BYTES).collect()
}
