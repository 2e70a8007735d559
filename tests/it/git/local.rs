//! Checkouts on this machine.

use super::*;

#[test]
fn the_head_of_a_checkout_is_read() {
    let repo = Repo::new();
    let (dir, tip) = (repo.dir(), git_in(&repo.dir(), &["rev-parse", "HEAD"]));
    git_in(
        &dir,
        &["remote", "add", "origin", &format!("https://ci:{TOKEN}@gitlab.example/a/b.git")],
    );
    let head = local_head(&dir).expect("reads").expect("a checkout");
    assert_eq!((head.commit.as_str(), head.branch.as_deref()), (tip.as_str(), Some("main")));
    assert_eq!(head.origin_url.as_deref(), Some("https://gitlab.example/a/b.git"));
    assert_eq!(local_head(&dir.join("data")).expect("reads"), None);
    assert_eq!(local_head(repo.folder.path()).expect("reads"), None);

    git_in(&dir, &["worktree", "add", "-q", "--detach", "../tree"]);
    let tree = local_head(&repo.folder.path().join("tree")).expect("reads").expect("a checkout");
    assert_eq!((tree.commit.as_str(), tree.branch), (tip.as_str(), None));

    assert!(!has_local_changes(&dir).expect("reads"));
    repo.write("data/b.json", "[\"changed\"]");
    assert!(has_local_changes(&dir).expect("reads"));
    let mut files = Vec::new();
    let mut note = |entry: Entry<'_>| {
        if let Entry::File(path, bytes) = entry {
            files.push((path.to_owned(), bytes.to_vec()));
        }
    };
    visit_commit(&dir, &head.commit, &mut note).expect("reads");
    assert_eq!(files.len(), 41);
    assert!(files.contains(&("/b.json".to_owned(), b"{}".to_vec())), "the commit, not the file");
}
