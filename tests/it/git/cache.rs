//! The clone cache.

use super::*;

#[test]
fn a_cache_fetches_only_the_difference() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    let options = cached(format!("{}/repo.git/", server.url), home.path());
    let first = open(&options).expect("clones");
    assert!(!first.stats().from_cache);
    drop(first);
    server.requests();

    let same = open(&options).expect("opens");
    assert_eq!((same.stats().from_cache, same.stats().objects), (true, 0));
    assert_eq!(server.requests().len(), 1, "the list of refs alone");
    drop(same);

    repo.write("data/services/s7/app.yml", "changed");
    let tip = repo.commit("two");
    let next = open(&options).expect("fetches");
    assert_eq!(next.commit().as_str(), tip);
    assert!(next.stats().from_cache);
    assert_eq!(next.stats().objects, 6, "a commit, four folders, a file");
    assert!((100..3000).contains(&next.stats().bytes), "{:?}", next.stats());
    let files = files_of(&next);
    assert_eq!(files.len(), 41);
    assert!(files.contains(&("/services/s7/app.yml".to_owned(), "changed".to_owned())));
    drop(next);

    // History is rewritten to an earlier state.
    git_in(&repo.dir(), &["reset", "-q", "--hard", "HEAD~1"]);
    let back = open(&options).expect("fetches");
    assert!(files_of(&back).iter().all(|(_, text)| text != "changed"));
    drop(back);

    for file in everything_below(home.path()) {
        let bytes = fs::read(&file).expect("reads");
        let found = bytes.windows(6).any(|part| part == b"s3cr3t" || part == b"oauth2");
        assert!(!found, "{}", file.display());
    }
}

#[test]
fn packs_do_not_pile_up() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    let options = cached(format!("{}/repo.git", server.url), home.path());
    let mut anew = 0;
    for at in 0..40 {
        repo.write("data/b.json", &format!("[{at}]"));
        repo.commit("next");
        let checkout = open(&options).expect("fetches");
        anew += u32::from(!checkout.stats().from_cache);
        assert!(files_of(&checkout).contains(&("/b.json".to_owned(), format!("[{at}]"))));
        assert!(everything_below(&home.path().join("cache")).len() < 90);
    }
    assert!((2..=3).contains(&anew), "{anew}");
}

type Break = (&'static str, fn(&Path));

fn pack_of(cache: &Path) -> PathBuf {
    let files = everything_below(&cache.join("objects"));
    files
        .into_iter()
        .find(|file| file.extension().is_some_and(|ending| ending == "pack"))
        .expect("a pack")
}

fn rewrite(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).expect("reads");
    change(&mut bytes);
    fs::remove_file(file).expect("removes");
    fs::write(file, bytes).expect("writes");
}

const BREAKS: [Break; 11] = [
    ("pack cut off", |cache| rewrite(&pack_of(cache), |bytes| bytes.truncate(bytes.len() / 2))),
    ("bit flipped in a pack", |cache| rewrite(&pack_of(cache), |bytes| bytes[40] ^= 4)),
    ("pack gone", |cache| fs::remove_file(pack_of(cache)).expect("removes")),
    ("index is garbage", |cache| {
        rewrite(&pack_of(cache).with_extension("idx"), |bytes| bytes.fill(b'x'))
    }),
    ("HEAD is garbage", |cache| fs::write(cache.join("HEAD"), "garbage").expect("writes")),
    ("ref gone", |cache| fs::remove_dir_all(cache.join("refs")).expect("removes")),
    ("no seal", |cache| fs::remove_file(cache.join("sapm-seal")).expect("removes")),
    ("configuration changed", |cache| {
        rewrite(&cache.join("config"), |bytes| bytes.extend(b"[include]\npath=/x\n"))
    }),
    ("other url in the seal", |cache| {
        let seal = fs::read_to_string(cache.join("sapm-seal")).expect("reads");
        fs::write(cache.join("sapm-seal"), seal.replace("url http", "url https")).expect("writes");
    }),
    ("left by an interrupted fetch", |cache| {
        fs::write(cache.join("objects/pack/tmp_x"), "PACK").expect("writes")
    }),
    ("a file", |cache| {
        fs::remove_dir_all(cache).expect("removes");
        fs::write(cache, "garbage").expect("writes");
    }),
];

#[test]
fn a_damaged_cache_is_discarded() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    let options = cached(format!("{}/repo.git", server.url), home.path());
    let wanted = files_of(&open(&options).expect("clones"));
    let folders = fs::read_dir(home.path().join("cache")).expect("is there").flatten();
    let cache = folders.map(|entry| entry.path()).find(|path| path.is_dir()).expect("a cache");
    for (what, damage) in BREAKS {
        damage(&cache);
        let anew = open(&options).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(!anew.stats().from_cache, "{what}");
        assert_eq!(files_of(&anew), wanted, "{what}");
        drop(anew);
        assert!(open(&options).expect("opens").stats().from_cache, "{what}");
    }
}

#[test]
fn an_interrupted_fetch_leaves_no_sealed_cache() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let (root, cut) = (repo.folder.path().to_owned(), Arc::new(AtomicU16::new(0)));
    let flag = Arc::clone(&cut);
    let server = Server::start(move |request| {
        let mut reply = upload_pack(&root, request, true);
        if flag.load(Ordering::SeqCst) == 1 && request.method == "POST" && reply.body.len() > 200 {
            let half = reply.body.len() / 2;
            reply.body.truncate(half);
        }
        reply
    });
    let options = cached(format!("{}/repo.git", server.url), home.path());
    drop(open(&options).expect("clones"));
    repo.write("data/new.yml", &"new\n".repeat(9));
    repo.commit("two");
    cut.store(1, Ordering::SeqCst);
    assert!(open(&options).is_err());
    cut.store(0, Ordering::SeqCst);
    assert_eq!(files_of(&open(&options).expect("recovers")).len(), 42);
    assert!(open(&options).expect("opens").stats().from_cache);
}

#[test]
fn a_second_run_makes_its_own_clone() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    let options = cached(format!("{}/repo.git", server.url), home.path());
    let first = open(&options).expect("clones");
    let second = open(&options).expect("clones aside");
    assert_eq!(files_of(&first), files_of(&second));
    drop((first, second));
    assert!(open(&options).expect("opens").stats().from_cache);
}

#[test]
fn an_unusable_cache_folder_is_not_an_error() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    fs::write(home.path().join("cache"), "a file").expect("writes");
    let options = cached(format!("{}/repo.git", server.url), home.path());
    assert_eq!(files_of(&open(&options).expect("clones")).len(), 41);
}

#[test]
fn links_to_locks_and_caches_are_not_followed() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    let options = cached(format!("{}/repo.git", server.url), home.path());
    drop(open(&options).expect("clones"));
    let folder = home.path().join("cache");
    let entries = || fs::read_dir(&folder).expect("lists").flatten().map(|entry| entry.path());
    let cache = entries().find(|path| path.is_dir()).expect("a cache");
    let lock = entries().find(|path| path.is_file()).expect("a lock");

    let (elsewhere, target) = (home.path().join("elsewhere"), home.path().join("made"));
    fs::rename(&cache, &elsewhere).expect("moves");
    std::os::unix::fs::symlink(&elsewhere, &cache).expect("a link");
    let kept = everything_below(&elsewhere);
    assert!(!open(&options).expect("clones anew").stats().from_cache);
    assert_eq!(everything_below(&elsewhere), kept, "what the link led to is left alone");
    assert!(fs::symlink_metadata(&cache).expect("is there").is_dir());

    fs::remove_file(&lock).expect("removes");
    std::os::unix::fs::symlink(&target, &lock).expect("a link");
    assert_eq!(files_of(&open(&options).expect("clones aside")).len(), 41);
    assert!(!target.exists(), "a lock was made where the link leads");
}

/// A path that becomes too long simulates a full disk: small files can still be written.
#[test]
fn a_full_cache_folder_is_not_an_error() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    let mut folder = home.path().join("cache");
    while folder.as_os_str().len() + 250 < 4_030 {
        folder.push("x".repeat(240));
    }
    let left = 4_030 - folder.as_os_str().len();
    folder.push("y".repeat(left));
    let options = CloneOptions {
        cache_dir: Some(folder),
        ..options(format!("{}/repo.git", server.url), home.path())
    };
    for _ in 0..2 {
        let checkout = open(&options).expect("clones aside");
        assert!(!checkout.stats().from_cache);
        assert_eq!(files_of(&checkout).len(), 41);
    }
}
