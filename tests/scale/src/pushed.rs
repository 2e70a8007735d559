//! Branches of the bot in a real repository, each with a change of one file in a folder of many.

use git2::{Oid, Repository, Signature};
use sapm::clients::git::{BranchOptions, Branches, TimeOuts};
use sapm::clients::http::{HttpClient, HttpConfig};
use sapm::domain::CommitSha;
use tempfile::TempDir;

const BRANCHES: usize = 8;
const PREFIX: &str = "bot/";

/// A repository with branches.
pub struct Pushed {
    folder: TempDir,
    base: CommitSha,
}

impl Pushed {
    /// The folder has this many files.
    pub fn beside(files: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repository::init_bare(folder.path()).unwrap();
        let names: Vec<String> = (0..files).map(|number| format!("{number:06}.yml")).collect();
        let base = commit(&repo, "refs/heads/main", &names, None);
        for branch in 0..BRANCHES {
            let changed = Some((files * branch / BRANCHES, base));
            commit(&repo, &format!("refs/heads/{PREFIX}{branch}"), &names, changed);
        }
        drop(repo);
        Self { folder, base: CommitSha::parse(&base.to_string()).unwrap() }
    }

    /// Reads what each branch changes.
    pub fn read(&self) {
        let path = self.folder.path();
        let branches = Branches::new(BranchOptions {
            url: path.display().to_string(),
            credentials: None,
            objects: path.join("objects"),
            base: self.base.clone(),
            scratch_dir: path.to_owned(),
            times: TimeOuts::default(),
            http: HttpClient::new(HttpConfig::default()),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = runtime.block_on(branches.fetch(&[PREFIX.to_owned()], "main")).unwrap();
        assert_eq!(read.len(), BRANCHES);
        for branch in read {
            assert_eq!(branch.content.changed.len(), 1, "{}", branch.name);
        }
    }
}

/// A commit with all files; `changed` tells which one has another text than in the parent.
fn commit(
    repo: &Repository,
    reference: &str,
    names: &[String],
    changed: Option<(usize, Oid)>,
) -> Oid {
    let (old, new) = (repo.blob(b"ref: old\n").unwrap(), repo.blob(b"ref: new\n").unwrap());
    let mut folder = repo.treebuilder(None).unwrap();
    for (at, name) in names.iter().enumerate() {
        let is_changed = changed.is_some_and(|(number, _)| number == at);
        folder.insert(name, if is_changed { new } else { old }, 0o100_644).unwrap();
    }
    let mut root = repo.treebuilder(None).unwrap();
    root.insert("data", folder.write().unwrap(), 0o40_000).unwrap();
    let tree = repo.find_tree(root.write().unwrap()).unwrap();
    let author = Signature::now("Bot", "bot@example.com").unwrap();
    let parent = changed.map(|(_, parent)| repo.find_commit(parent).unwrap());
    let parents: Vec<_> = parent.iter().collect();
    repo.commit(Some(reference), &author, &author, "Change\n", &tree, &parents).unwrap()
}
