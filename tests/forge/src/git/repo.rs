//! A bare repository: the git operations that a forge needs, with libgit2.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{
    Delta, DiffFormat, DiffOptions, FileMode, ObjectType, Oid, Repository, RepositoryInitOptions,
    Sort, Tree, TreeEntry,
};

/// Who wrote a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub name: String,
    pub email: String,
}

/// A file's change: new bytes and mode, or none to delete it.
pub(crate) type Edit = Option<(Vec<u8>, FileMode)>;

/// One file of a diff.
pub(crate) struct FileDiff {
    pub old_path: String,
    pub new_path: String,
    pub status: Delta,
    pub old_mode: u32,
    pub new_mode: u32,
    pub patch: String,
}

/// The content of a path in a commit.
pub(crate) struct Blob {
    pub id: Oid,
    pub bytes: Vec<u8>,
    pub mode: i32,
}

pub(crate) struct Repo {
    pub git: Repository,
    pub dir: PathBuf,
}

impl Repo {
    pub fn init(dir: &Path, default_branch: &str) -> Self {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).mkpath(true).external_template(false).initial_head(default_branch);
        let git = Repository::init_opts(dir, &options).expect("a bare repository");
        Self { git, dir: dir.to_owned() }
    }

    pub fn tip(&self, branch: &str) -> Option<Oid> {
        self.git.refname_to_id(&format!("refs/heads/{branch}")).ok()
    }

    /// Branches by name.
    pub fn branches(&self) -> BTreeMap<String, Oid> {
        let mut found = BTreeMap::new();
        for reference in self.git.references_glob("refs/heads/*").unwrap().flatten() {
            if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
                found.insert(name.trim_start_matches("refs/heads/").to_owned(), id);
            }
        }
        found
    }

    /// The commit of a branch, a tag, a full ref name or a (maybe short) hash. As in git, tags come before branches.
    pub fn resolve(&self, rev: &str) -> Option<Oid> {
        let named = [rev.to_owned(), format!("refs/tags/{rev}"), format!("refs/heads/{rev}")];
        for name in named.iter().filter(|name| name.starts_with("refs/") || *name == "HEAD") {
            if let Ok(object) =
                self.git.find_reference(name).and_then(|found| found.peel(ObjectType::Commit))
            {
                return Some(object.id());
            }
        }
        let hash =
            (4..=40).contains(&rev.len()) && rev.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hash {
            let rev = rev.to_ascii_lowercase();
            return self.git.find_commit_by_prefix(&rev).ok().map(|commit| commit.id());
        }
        None
    }

    /// Git's reasons to reject a branch name, and GitLab's (api/branches: no 40 digit hashes).
    pub fn valid_branch_name(name: &str) -> bool {
        let hash = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        !hash
            && name != "HEAD"
            && !name.starts_with('-')
            && !name.starts_with("refs/")
            && git2::Reference::is_valid_name(&format!("refs/heads/{name}"))
    }

    pub fn set_branch(&self, branch: &str, commit: Oid) -> Result<(), String> {
        self.git
            .reference(&format!("refs/heads/{branch}"), commit, true, "forge")
            .map(|_| ())
            .map_err(|error| error.message().to_owned())
    }

    pub fn delete_branch(&self, branch: &str) -> bool {
        let Ok(mut reference) = self.git.find_reference(&format!("refs/heads/{branch}")) else {
            return false;
        };
        reference.delete().is_ok()
    }

    pub fn tree_of(&self, commit: Oid) -> Oid {
        self.git.find_commit(commit).unwrap().tree_id()
    }

    fn empty_tree(&self) -> Oid {
        self.git.treebuilder(None).unwrap().write().unwrap()
    }

    /// A tree with these changes on top of a commit's tree.
    pub fn edit(&self, base: Option<Oid>, edits: &BTreeMap<String, Edit>) -> Result<Oid, String> {
        let base = base.map_or_else(|| self.empty_tree(), |commit| self.tree_of(commit));
        let tree = self.git.find_tree(base).map_err(|error| error.to_string())?;
        let mut builder = TreeUpdateBuilder::new();
        for (path, edit) in edits {
            match edit {
                Some((bytes, mode)) => {
                    let blob = self.git.blob(bytes).map_err(|error| error.to_string())?;
                    builder.upsert(path.as_str(), blob, *mode);
                }
                None => {
                    builder.remove(path.as_str());
                }
            }
        }
        builder.create_updated(&self.git, &tree).map_err(|error| error.message().to_owned())
    }

    /// Writes a commit that no branch points to yet.
    pub fn commit(
        &self,
        tree: Oid,
        parents: &[Oid],
        (author, committer): (&Person, &Person),
        seconds: i64,
        message: &str,
    ) -> Oid {
        let time = git2::Time::new(seconds, 0);
        let sign = |who: &Person| {
            git2::Signature::new(&who.name, &who.email, &time).expect("a usable name")
        };
        let tree = self.git.find_tree(tree).unwrap();
        let parents: Vec<_> = parents.iter().map(|id| self.git.find_commit(*id).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        self.git.commit(None, &sign(author), &sign(committer), message, &tree, &parents).unwrap()
    }

    pub fn blob(&self, commit: Oid, path: &str) -> Option<Blob> {
        let tree = self.git.find_tree(self.tree_of(commit)).ok()?;
        let entry = tree.get_path(Path::new(path)).ok()?;
        let blob = self.git.find_blob(entry.id()).ok()?;
        Some(Blob { id: blob.id(), bytes: blob.content().to_vec(), mode: entry.filemode() })
    }

    /// Whether a path is a folder in a commit.
    pub fn is_dir(&self, commit: Oid, path: &str) -> bool {
        let tree = self.git.find_tree(self.tree_of(commit)).unwrap();
        tree.get_path(Path::new(path)).is_ok_and(|entry| entry.kind() == Some(ObjectType::Tree))
    }

    /// All files of a commit.
    pub fn files(&self, commit: Oid) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let tree = self.git.find_tree(self.tree_of(commit)).unwrap();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if let Ok(blob) = self.git.find_blob(entry.id()) {
                files.insert(
                    format!("{}{}", folder, entry.name().unwrap_or_default()),
                    blob.content().to_vec(),
                );
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        files
    }

    pub fn merge_base(&self, one: Oid, two: Oid) -> Option<Oid> {
        self.git.merge_base(one, two).ok()
    }

    /// Whether `old` is `new` or one of its ancestors.
    pub fn contains(&self, new: Oid, old: Oid) -> bool {
        new == old || self.git.graph_descendant_of(new, old).unwrap_or(false)
    }

    /// Commits that `one` has and `two` lacks, and vice versa.
    pub fn ahead_behind(&self, one: Oid, two: Oid) -> (usize, usize) {
        self.git.graph_ahead_behind(one, two).unwrap_or_default()
    }

    /// A three-way merge: the tree, or the paths in conflict.
    pub fn merge(&self, ours: Oid, theirs: Oid) -> Result<Oid, Vec<String>> {
        // One of the two has both already: libgit2 would go through all files of the repository to find the same.
        if let Some(both) = [(theirs, ours), (ours, theirs)]
            .into_iter()
            .find(|(new, old)| self.contains(*new, *old))
        {
            return Ok(self.tree_of(both.0));
        }
        let ours = self.git.find_commit(ours).unwrap();
        let theirs = self.git.find_commit(theirs).unwrap();
        let mut index = self
            .git
            .merge_commits(&ours, &theirs, None)
            .map_err(|error| vec![error.to_string()])?;
        tree_or_conflicts(&self.git, &mut index)
    }

    /// Applies the change of `commit` against its first parent, or its reverse, on `onto`.
    pub fn cherry_pick(&self, commit: Oid, onto: Oid, reverse: bool) -> Result<Oid, Vec<String>> {
        let commit = self.git.find_commit(commit).unwrap();
        let onto = self.git.find_commit(onto).unwrap();
        let mainline = u32::from(commit.parent_count() > 1);
        let index = if reverse {
            self.git.revert_commit(&commit, &onto, mainline, None)
        } else {
            self.git.cherrypick_commit(&commit, &onto, mainline, None)
        };
        tree_or_conflicts(&self.git, &mut index.map_err(|error| vec![error.to_string()])?)
    }

    fn raw_diff(&self, from: Option<Oid>, to: Oid) -> git2::Diff<'_> {
        let old = from.map(|id| self.git.find_tree(self.tree_of(id)).unwrap());
        let new = self.git.find_tree(self.tree_of(to)).unwrap();
        let mut options = DiffOptions::new();
        if let Some(old) = &old {
            // libgit2 takes 8 ms for two trees that differ in one file, where a folder has some thousand entries.
            let mut paths = Vec::new();
            self.changed_paths(old, &new, &[], &mut paths);
            if paths.is_empty() {
                return self.git.diff_tree_to_tree(Some(old), Some(old), None).unwrap();
            }
            options.disable_pathspec_match(true);
            for path in paths {
                options.pathspec(path);
            }
        }
        self.git.diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options)).unwrap()
    }

    /// Adds the paths of entries that differ: of files, and of folders that only one of the trees has.
    fn changed_paths(
        &self,
        old: &Tree<'_>,
        new: &Tree<'_>,
        above: &[u8],
        paths: &mut Vec<Vec<u8>>,
    ) {
        let mut entries: HashMap<Vec<u8>, [Option<TreeEntry<'_>>; 2]> = HashMap::new();
        for (at, tree) in [old, new].into_iter().enumerate() {
            for entry in tree {
                let name = entry.name_bytes().to_vec();
                entries.entry(name).or_default()[at] = Some(entry);
            }
        }
        for (name, [old, new]) in entries {
            let same = |entry: &Option<TreeEntry<'_>>| {
                entry.as_ref().map(|entry| (entry.id(), entry.filemode()))
            };
            if same(&old) == same(&new) {
                continue;
            }
            let path = [above, &name].concat();
            let tree = |entry: Option<TreeEntry<'_>>| self.git.find_tree(entry?.id()).ok();
            match (tree(old), tree(new)) {
                (Some(old), Some(new)) => {
                    self.changed_paths(&old, &new, &[&path, &b"/"[..]].concat(), paths)
                }
                _ => paths.push(path),
            }
        }
    }

    /// The files that differ, with their hunks.
    pub fn diff(&self, from: Option<Oid>, to: Oid) -> Vec<FileDiff> {
        let diff = self.raw_diff(from, to);
        let mut files: Vec<FileDiff> = diff
            .deltas()
            .map(|delta| {
                let path = |file: git2::DiffFile<'_>| {
                    file.path().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
                };
                FileDiff {
                    old_path: path(delta.old_file()),
                    new_path: path(delta.new_file()),
                    status: delta.status(),
                    old_mode: u32::from(delta.old_file().mode()),
                    new_mode: u32::from(delta.new_file().mode()),
                    patch: String::new(),
                }
            })
            .collect();
        diff.print(DiffFormat::Patch, |delta, _, line| {
            let path = delta
                .new_file()
                .path()
                .map(|path| path.to_string_lossy().into_owned())
                .unwrap_or_default();
            if let Some(file) = files.iter_mut().find(|file| file.new_path == path)
                && matches!(line.origin(), '+' | '-' | ' ' | 'H' | '>' | '<' | '=')
            {
                if matches!(line.origin(), '+' | '-' | ' ') {
                    file.patch.push(line.origin());
                }
                file.patch.push_str(&String::from_utf8_lossy(line.content()));
            }
            true
        })
        .unwrap();
        files
    }

    /// Git's patch id of a change, which is the same after a clean rebase (it ignores line numbers of hunks), and the
    /// number of files.
    pub fn patch(&self, from: Option<Oid>, to: Oid) -> (Option<String>, usize) {
        let diff = self.raw_diff(from, to);
        (diff.patchid(None).ok().map(|id| id.to_string()), diff.deltas().count())
    }

    /// Commits from `tip` backwards, newest first, without those in `hide`.
    pub fn log(&self, tip: Oid, hide: Option<Oid>) -> impl Iterator<Item = Oid> {
        let mut walk = self.git.revwalk().unwrap();
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).unwrap();
        walk.push(tip).unwrap();
        if let Some(hide) = hide {
            walk.hide(hide).ok();
        }
        walk.flatten()
    }

    /// The last commit that changed a path.
    pub fn last_commit_of(&self, tip: Oid, path: &str) -> Option<Oid> {
        let entry = |commit: Oid| {
            let tree = self.git.find_tree(self.tree_of(commit)).ok()?;
            tree.get_path(Path::new(path)).ok().map(|entry| (entry.id(), entry.filemode()))
        };
        self.log(tip, None).find(|id| {
            let now = entry(*id);
            let commit = self.git.find_commit(*id).unwrap();
            now.is_some() && commit.parent_ids().all(|parent| entry(parent) != now)
                || now.is_none() && commit.parent_ids().any(|parent| entry(parent).is_some())
        })
    }
}

fn tree_or_conflicts(git: &Repository, index: &mut git2::Index) -> Result<Oid, Vec<String>> {
    if !index.has_conflicts() {
        return index.write_tree_to(git).map_err(|error| vec![error.to_string()]);
    }
    let mut paths: Vec<String> = index
        .conflicts()
        .unwrap()
        .flatten()
        .filter_map(|conflict| conflict.our.or(conflict.their).or(conflict.ancestor))
        .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
        .collect();
    paths.dedup();
    Err(paths)
}
