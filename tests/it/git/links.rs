//! Links, submodules, and files that are too large or too deep: the same in a folder and in a commit.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use sapm::app_interface::walk::MAX_DEPTH;
use sapm::app_interface::{DirectoryTree, FileTree, TreeError, load};
use sapm::clients::git::{BranchOptions, Branches};
use sapm::domain::{RepoPath, UidDigest};
use sapm::inventory::build;

use super::*;
use crate::validate::repo::{APP, OTHER, PROD, Repo as Shop, SAAS};

/// One line per entry.
fn shown(entry: Entry<'_>) -> String {
    match entry {
        Entry::Blob { .. } => unreachable!("left out"),
        Entry::File(path, bytes) => format!("file {path} {}", bytes.len()),
        Entry::Link { path, to } => format!("link {path} -> {to}"),
        Entry::Problem(problem) => {
            let severity = if problem.is_error() { "error" } else { "warning" };
            let file = problem.file.unwrap_or_default();
            format!("{severity} {} {file}: {}", problem.code, problem.message)
        }
    }
}

fn in_folder(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    DirectoryTree::new(dir).visit(&mut |entry| all.push(shown(entry))).expect("reads");
    all.sort();
    all
}

fn in_commit(dir: &Path) -> Vec<String> {
    let head = local_head(dir).expect("reads").expect("a checkout");
    let mut all = Vec::new();
    let mut show = |entry: Entry<'_>| {
        if !matches!(entry, Entry::Blob { .. }) {
            all.push(shown(entry));
        }
    };
    visit_commit(dir, &head.commit, &mut show).expect("reads");
    all.sort();
    all
}

/// A config repo with these files and links.
fn repo(files: &[(&str, &str)], links: &[(&str, &str)]) -> Repo {
    let repo = Repo { folder: TempDir::new().expect("a folder") };
    git_in(repo.folder.path(), &["init", "-q", "-b", "main", "repo.git"]);
    files.iter().for_each(|(path, text)| repo.write(path, text));
    for (path, to) in links {
        let path = repo.dir().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        symlink(to, path).expect("a link");
    }
    repo
}

/// Checks the beginnings of lines, in a folder and in a commit.
#[track_caller]
fn assert_shows(repo: &Repo, wanted: &[&str]) {
    let found = in_folder(&repo.dir());
    repo.commit("one");
    assert_eq!(found, in_commit(&repo.dir()));
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found} is not {wanted}");
    }
}

#[test]
fn a_link_to_a_datafile_is_another_name_of_it() {
    let repo = repo(
        &[("data/real/a.yml", "a"), ("data/.t/b.txt", "bb"), ("resources/c.yml", "c")],
        &[
            ("data/link.yml", "real/a.yml"),
            ("data/x/up.yml", ".././/real/a.yml"),
            ("data/chain.yml", "x/up.yml"),
            ("data/hidden.yml", ".t/b.txt"),
            ("data/through.yml", "folder/a.yml"),
            ("data/round.yml", "../data/real/a.yml"),
            ("data/.dot.yml", "nothing"),
            ("data/readme", "real/a.yml"),
            ("data/picture.png", "nothing"),
            ("data/folder", "real"),
        ],
    );
    assert_shows(
        &repo,
        &[
            "file /.t/b.txt 2",
            "file /real/a.yml 1",
            "link /chain.yml -> /real/a.yml",
            "link /hidden.yml -> /.t/b.txt",
            "link /link.yml -> /real/a.yml",
            "link /round.yml -> /real/a.yml",
            "link /through.yml -> /real/a.yml",
            "link /x/up.yml -> /real/a.yml",
            "warning linked_folder /folder: a symbolic link to the folder /real",
        ],
    );
}

#[test]
fn no_link_is_followed_out_of_data() {
    let repo = repo(
        &[("data/a.yml", "a"), ("resources/c.yml", "c"), ("data/real/b.yml", "b")],
        &[
            ("data/absolute.yml", "/etc/hostname"),
            ("data/beyond.yml", "../../../../../../../../etc/hostname"),
            ("data/folder.yml", "real"),
            ("data/gone.yml", "nothing.yml"),
            ("data/loop.yml", "loop2.yml"),
            ("data/loop2.yml", "loop.yml"),
            ("data/out.yml", "../resources/c.yml"),
            ("data/self", "."),
            ("data/under.yml", "a.yml/b.yml"),
            ("data/up", ".."),
            ("data/way.yml", "way/c.yml"),
            ("data/way", "../resources"),
        ],
    );
    assert_shows(
        &repo,
        &[
            "error unusable_link /absolute.yml: a symbolic link that cannot be followed: /etc/hostname is an absolute path",
            "error unusable_link /beyond.yml: a symbolic link that cannot be followed: ../../",
            "error unusable_link /gone.yml: a symbolic link that cannot be followed: nothing.yml does not exist",
            "error unusable_link /loop.yml: a symbolic link that cannot be followed: loop2.yml leads through 40 links",
            "error unusable_link /loop2.yml: ",
            "error unusable_link /out.yml: a symbolic link that cannot be followed: ../resources/c.yml points outside data/",
            "error unusable_link /under.yml: a symbolic link that cannot be followed: a.yml/b.yml does not exist",
            "error unusable_link /way.yml: a symbolic link that cannot be followed: way/c.yml points outside data/",
            "file /a.yml 1",
            "file /real/b.yml 1",
            "warning linked_folder /folder.yml: a symbolic link to the folder /real",
            "warning linked_folder /self: a symbolic link to the folder /: ",
            "warning unusable_link /up: a symbolic link that cannot be followed: .. points outside data/",
            "warning unusable_link /way: a symbolic link that cannot be followed: ../resources points outside",
        ],
    );
}

#[tokio::test]
async fn links_are_followed_in_older_commits() {
    let repo = repo(
        &[("data/real/a.yml", "a"), ("resources/c.yml", "c")],
        &[("data/link.yml", "real/a.yml"), ("data/out.yml", "../resources/c.yml")],
    );
    let commit = sapm::domain::CommitSha::parse(&repo.commit("one")).expect("a commit");
    let branches = Branches::new(BranchOptions {
        url: repo.dir().display().to_string(),
        credentials: None,
        objects: repo.dir().join(".git/objects"),
        base: commit.clone(),
        scratch_dir: repo.folder.path().join("scratch"),
        times: TimeOuts::default(),
        http: HttpClient::new(HttpConfig::default()),
    });
    branches.fetch(&["auto-promoter-v2/".to_owned()], "main").await.expect("reads");
    for (path, text) in [
        ("data/real/a.yml", Some("a")),
        ("data/link.yml", Some("a")),
        ("data/out.yml", None),
        ("data/gone.yml", None),
    ] {
        let found = branches.text(&commit, &RepoPath::new(path)).await.expect("reads");
        assert_eq!(found.as_deref(), text, "{path}");
    }
}

/// Only git can store such links, no file system.
#[test]
fn a_link_with_an_impossible_path_is_reported() {
    let repo = repo(&[("data/a.yml", "a")], &[]);
    repo.commit("one");
    for (name, text) in [("nul.yml", "a\0b.yml".to_owned()), ("long.yml", "a".repeat(4_097))] {
        let file = repo.folder.path().join("blob");
        fs::write(&file, text).expect("writes");
        let blob = git_in(&repo.dir(), &["hash-object", "-w", &file.display().to_string()]);
        let entry = format!("120000,{blob},data/{name}");
        git_in(&repo.dir(), &["update-index", "--add", "--cacheinfo", &entry]);
    }
    git_in(&repo.dir(), &["commit", "-q", "-m", "two"]);
    let found = in_commit(&repo.dir());
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].ends_with("its path is longer than 4096 bytes"), "{found:?}");
    assert!(found[1].ends_with("a\0b.yml does not exist"), "{found:?}");
    assert_eq!(found[2], "file /a.yml 1");
}

#[test]
fn a_submodule_is_reported() {
    let repo = repo(&[("data/a.yml", "a")], &[("data/in.yml", "fetched/a.yml")]);
    for name in ["data/fetched", "data/empty"] {
        fs::create_dir_all(repo.dir().join(name)).expect("a folder");
        let dir = repo.dir().join(name);
        git_in(&dir, &["init", "-q", "-b", "main"]);
        fs::write(dir.join("a.yml"), "b").expect("writes");
        git_in(&dir, &["add", "-A"]);
        git_in(&dir, &["commit", "-q", "-m", "x"]);
    }
    repo.write(".gitmodules", "[submodule \"x\"]\n\tpath = data/empty\n\turl = ../x\n");
    git_in(&repo.dir(), &["-c", "advice.addEmbeddedRepo=false", "add", "-A"]);
    fs::remove_dir_all(repo.dir().join("data/empty")).expect("removes");
    fs::create_dir(repo.dir().join("data/empty")).expect("a folder");
    git_in(&repo.dir(), &["commit", "-q", "-m", "one"]);
    let found = in_folder(&repo.dir());
    assert_eq!(found, in_commit(&repo.dir()));
    let codes: Vec<_> = found.iter().map(|line| line.split(':').next().expect("a line")).collect();
    let wanted = [
        "error submodule /empty",
        "error submodule /fetched",
        "error unusable_link /in.yml",
        "file /a.yml 1",
    ];
    assert_eq!(codes, wanted);
}

#[test]
fn folders_that_are_too_deep_are_reported_and_the_rest_is_read() {
    let deep = "d/".repeat(MAX_DEPTH);
    let (last, deeper) = (format!("data/{deep}a.yml"), format!("data/{deep}e/a.yml"));
    let repo = repo(&[("data/z.yml", "z"), (&last, "a"), (&deeper, "no")], &[]);
    let deep = format!("/{}", deep.trim_end_matches('/'));
    let error = format!("error folder_too_deep {deep}/e: more than 100 nested folders");
    assert_shows(&repo, &[&error, &format!("file {deep}/a.yml 1"), "file /z.yml 1"]);
    fs::remove_dir_all(repo.dir().join("data/d")).expect("removes");
    fs::create_dir_all(repo.dir().join("data").join("e/".repeat(101))).expect("folders");
    assert_eq!(in_folder(&repo.dir()).len(), 2, "without any datafile too");
}

#[test]
fn the_size_of_a_file_is_checked_first() {
    let repo = repo(&[("data/z.yml", "z")], &[]);
    let limit = yaml11::Limits::default().bytes as u64;
    for (name, size) in [("data/a.yml", limit + 1), ("data/b.yml", limit)] {
        let file = fs::File::create(repo.dir().join(name)).expect("a file");
        file.set_len(size).expect("room");
    }
    assert_shows(
        &repo,
        &[
            "error unreadable_datafile /a.yml: not readable: it has 16777217 bytes; the limit is 16777216",
            "file /b.yml 16777216",
            "file /z.yml 1",
        ],
    );
    // Sparse files take no disk space, but would take all memory if they were read.
    let huge = fs::File::create(repo.dir().join("data/a.yml")).expect("a file");
    huge.set_len(1 << 42).expect("a file system with holes");
    assert_eq!(in_folder(&repo.dir()).len(), 3);
}

#[test]
fn names_that_are_not_utf_8_and_pipes_are_reported() {
    let repo = repo(&[("data/z.yml", "z")], &[]);
    let name = std::ffi::OsStr::from_bytes(b"b\xff.yml");
    fs::write(repo.dir().join("data").join(name), "b").expect("writes");
    let error = "error unreadable_datafile /b\u{fffd}.yml: not readable: its name is not UTF-8";
    assert_shows(&repo, &[error, "file /z.yml 1"]);
    let pipe = repo.dir().join("data/pipe.yml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let found = in_folder(&repo.dir());
    assert!(found.iter().any(|line| line.contains("/pipe.yml: not readable: it is not a regular")));
}

#[test]
fn data_may_not_be_a_link() {
    let repo = repo(&[("real/a.yml", "a")], &[("data", "real")]);
    let error = DirectoryTree::new(repo.dir()).visit(&mut |_| ()).expect_err("no data");
    assert!(matches!(error, TreeError::NoData(_)), "{error}");
    let tip = repo.commit("one");
    let tip = sapm::domain::CommitSha::parse(&tip).expect("a commit");
    let error = visit_commit(&repo.dir(), &tip, &mut |_| ()).expect_err("no data");
    assert!(matches!(error, GitError::NoSuchPath { .. }), "{error}");
}

/// The labels of all targets with the file that each is edited in, and the codes of all problems.
fn read(dir: &Path) -> (Vec<String>, Vec<String>) {
    let bundle = load(&DirectoryTree::new(dir)).expect("reads");
    let inventory = build(&bundle, UidDigest::default());
    let targets = inventory.targets.iter();
    let targets = targets.map(|target| format!("{} {}", target.label(), target.declared_at.file));
    let problems = bundle.problems.iter().chain(&inventory.problems);
    let problems = problems
        .map(|problem| format!("{} {}", problem.code, problem.file.clone().unwrap_or_default()));
    (targets.collect(), problems.collect())
}

#[test]
fn a_linked_file_is_used_once_and_edited_at_its_own_path() {
    let shop = Shop::good();
    let repo = repo(&[], &[]);
    for (path, text) in &shop.0 {
        repo.write(&format!("data/{path}"), text);
    }
    let (plain, problems) = read(&repo.dir());
    assert!(problems.is_empty(), "{problems:?}");
    // Every kind of file through a link, which all `$ref`s use.
    for path in shop.0.keys() {
        let (from, to) =
            (repo.dir().join("data").join(path), repo.dir().join("data/.kept").join(path));
        fs::create_dir_all(to.parent().expect("a parent")).expect("folders");
        fs::rename(&from, &to).expect("moves");
        let up = "../".repeat(path.matches('/').count());
        symlink(format!("{up}.kept/{path}"), &from).expect("a link");
    }
    let (linked, problems) = read(&repo.dir());
    assert!(problems.is_empty(), "{problems:?}");
    let wanted: Vec<_> = plain.iter().map(|line| line.replace(" /", " /.kept/")).collect();
    assert_eq!(linked, wanted);
    // A saas file with two names is one saas file.
    symlink("saas.yml", repo.dir().join("data").join(SAAS).with_file_name("again.yml"))
        .expect("a link");
    assert_eq!(read(&repo.dir()), (linked, problems));
}

#[test]
fn git_lfs_pointers_are_reported() {
    let repo = repo(&[], &[]);
    for (path, text) in &Shop::good().0 {
        repo.write(&format!("data/{path}"), text);
    }
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    repo.write(&format!("data/{OTHER}"), pointer);
    let (targets, problems) = read(&repo.dir());
    assert_eq!(problems, [format!("lfs_pointer /{OTHER}")]);
    assert_eq!(targets.len(), 3, "those of the other saas file: {targets:?}");
    repo.write(&format!("data/{PROD}"), pointer);
    let (_, problems) = read(&repo.dir());
    assert!(problems.contains(&format!("lfs_pointer /{PROD}")), "{problems:?}");
    assert!(!problems.iter().any(|problem| problem.ends_with(APP)), "{problems:?}");
}
