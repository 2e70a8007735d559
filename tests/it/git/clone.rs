//! Clones: their content, and what remains of them.

use super::*;

#[test]
fn a_clone_is_shallow_and_removed_afterwards() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    repo.write("data/a.yaml", "new");
    let tip = repo.commit("two");
    let server = repo.serve();
    let checkout = open(&options(format!("{}/repo.git", server.url), home.path())).expect("clones");
    assert_eq!((checkout.commit().as_str(), checkout.branch()), (tip.as_str(), "main"));
    let files = files_of(&checkout);
    assert_eq!(names(&files)[..3], ["/a.yaml", "/b.json", "/services/s0/app.yml"]);
    assert_eq!(files.len(), 42);
    assert!(names(&files).is_sorted());
    let wanted =
        git_in(&repo.dir(), &["rev-list", "--objects", "--no-walk", "HEAD"]).lines().count();
    assert_eq!(checkout.stats().objects, wanted);
    assert_eq!(fs::read_dir(home.path().join("scratch")).expect("is there").count(), 1);
    drop(checkout);
    assert_eq!(fs::read_dir(home.path().join("scratch")).expect("is there").count(), 0);
}

#[test]
fn file_urls_are_cloned_too() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    git_in(&repo.dir(), &["branch", "stable"]);
    repo.write("data/new.yml", "new");
    let tip = repo.commit("two");
    let url = format!("file://{}", repo.dir().display());
    let options = cached(&url, home.path());
    let first = open(&options).expect("clones");
    assert_eq!((first.commit().as_str(), first.branch()), (tip.as_str(), "main"));
    assert_eq!(files_of(&first).len(), 42);
    drop(first);
    let stable = CloneOptions { branch: Some("stable".to_owned()), ..options.clone() };
    let older = open(&stable).expect("fetches");
    assert_eq!((older.stats().from_cache, older.stats().objects), (true, 3));
    assert_eq!(files_of(&older).len(), 41);
    drop(older);
    repo.write("data/services/s7/app.yml", "changed");
    repo.commit("three");
    let next = open(&options).expect("fetches");
    assert_eq!((next.stats().from_cache, next.stats().objects), (true, 6));
    assert!(files_of(&next).contains(&("/services/s7/app.yml".to_owned(), "changed".to_owned())));
    drop(next);
    let cache = everything_below(&home.path().join("cache"));
    let bare = cache
        .iter()
        .find(|file| file.ends_with("HEAD"))
        .and_then(|file| file.parent())
        .expect("a cache");
    git_in(bare, &["fsck", "--full", "--strict"]);
    let in_place = open(&CloneOptions { cache_dir: None, ..options.clone() }).expect("opens");
    assert_eq!(files_of(&in_place), files_of(&open(&options).expect("opens")));
    let missing = format!("{url}-not");
    assert!(matches!(error_of(&cached(missing, home.path())).0, GitError::NotFound { .. }));
}

#[test]
fn a_repository_without_data_says_so() {
    let home = TempDir::new().expect("a folder");
    let dir = home.path().join("plain");
    git_in(home.path(), &["init", "-q", "-b", "main", "plain"]);
    let url = format!("file://{}", dir.display());
    assert!(matches!(
        error_of(&options(&url, home.path())).0,
        GitError::BranchMissing { branch: None, .. }
    ));
    git_in(&dir, &["commit", "-q", "--allow-empty", "-m", "x"]);
    let checkout = open(&cached(&url, home.path())).expect("clones");
    let error = checkout.visit_files(&mut |_| ()).expect_err("no data");
    assert!(matches!(&error, GitError::NoSuchPath { path, .. } if path == "data/"), "{error}");
}
