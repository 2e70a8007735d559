//! Fetches the bot's branches at once, and finds what each of them changes.
//!
//! The objects go to a temporary repository that borrows those of the config repo's clone
//! (git's `objects/info/alternates`). So only new objects are transferred, and nothing
//! is written to the clone's cache or to a user's checkout.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use git2::{
    AutotagOption, Commit, Direction, FetchOptions, ObjectType, Oid, RemoteCallbacks, Repository,
    Tree, TreeEntry,
};

use super::address::Address;
use super::clone::CloneOptions;
use super::folders::find_differences;
use super::local::{open_repository, sha};
use super::remote::open_source;
use super::scratch::ScratchDir;
use super::transport::Session;
use super::{Credentials, GitError, LsRemote, TimeOuts, tree};
use crate::clients::http::{HttpClient, Service};
use crate::domain::{CommitSha, RepoPath, error_chain, sha256_hex};
use crate::plan::verify;
use crate::ports::{Branch, BranchReader};
use crate::snapshot::{BranchContent, ChangedFile, CommitDetail, Failure, Lookup};

const HEADS: &str = "refs/heads/";
/// Maximum branches with the bot's prefix: anybody who may push can create some.
const MAX_BRANCHES: usize = 10_000;
/// Maximum bytes of a fetch.
const MAX_FETCHED_BYTES: usize = 256 << 20;
/// Maximum size of a file whose change is read, in bytes; datafiles are smaller.
const MAX_FILE_BYTES: usize = 16 << 20;
/// Maximum length of a commit message that is read, in bytes; the bot's are shorter.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
const TYPE_BITS: i32 = 0o170_000;
const REGULAR: i32 = 0o100_000;

/// The source of the branches. Has no `Debug`, because it may contain a token.
#[derive(Clone)]
pub struct BranchOptions {
    /// The config repo: `http(s)://`, or `file://` or a path, which is read in place.
    pub url: String,
    /// User and token, sent only to the URL's own host.
    pub credentials: Option<Credentials>,
    /// `objects` folder of a repository that has `base`.
    pub objects: PathBuf,
    /// The commit of the target branch that was read.
    pub base: CommitSha,
    /// Parent folder of the temporary repository, e.g. the system's temporary folder.
    pub scratch_dir: PathBuf,
    /// Timeouts.
    pub times: TimeOuts,
    /// Settings and counters shared with all other requests.
    pub http: HttpClient,
}

/// The fetched branches.
pub struct Branches {
    options: BranchOptions,
    fetched: Arc<Mutex<Option<Fetched>>>,
}

/// A branch with the bot's prefix.
#[derive(Debug, Clone)]
pub struct FetchedBranch {
    /// Its name.
    pub name: String,
    /// Its newest commit.
    pub tip: CommitDetail,
    /// The change of its tip. `base_on_target` is true only if that was proved.
    pub content: BranchContent,
}

struct Fetched {
    // Declared first, so that it is closed before its folder is removed.
    repo: Repository,
    _scratch: Option<ScratchDir>,
}

impl Branches {
    /// Creates the reader; fetches nothing yet.
    pub fn new(options: BranchOptions) -> Self {
        Self { options, fetched: Arc::default() }
    }

    /// Fetches all branches whose name begins with one of `prefixes`: one list of refs, one pack, and one more
    /// request if a branch is not based on the commit that was read.
    ///
    /// # Errors
    /// When the host or the repository cannot be reached or read, or the branches are too many or too large.
    pub async fn fetch(
        &self,
        prefixes: &[String],
        target_branch: &str,
    ) -> Result<Vec<FetchedBranch>, Failure> {
        let work = (self.options.clone(), prefixes.to_vec(), target_branch.to_owned());
        let read = blocking(move || {
            let (options, prefixes, target_branch) = work;
            let (fetched, heads) = fetch(&options, &prefixes)?;
            let read =
                Reading { repo: &fetched.repo, options: &options }.all(heads, &target_branch)?;
            Ok((fetched, read))
        });
        let (fetched, mut branches) = read.await?;
        *self.fetched.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
        self.prove_bases(target_branch, &mut branches).await;
        Ok(branches)
    }

    /// Text of a file at a fetched commit or at the commit that was read; `None` if there is no such file.
    ///
    /// # Errors
    /// When nothing was fetched, or the file is not text.
    pub async fn text(
        &self,
        commit: &CommitSha,
        path: &RepoPath,
    ) -> Result<Option<String>, Failure> {
        let (fetched, commit) = (Arc::clone(&self.fetched), commit.clone());
        let path = path.to_string();
        blocking(move || {
            let fetched = fetched.lock().unwrap_or_else(PoisonError::into_inner);
            let fetched = fetched.as_ref().ok_or_else(|| {
                GitError::git("read", &path)(git2::Error::from_str("no branches were fetched"))
            })?;
            let id = Oid::from_str(commit.as_str()).map_err(GitError::git("read", &path))?;
            tree::text_at(&fetched.repo, id, &path)
        })
        .await
    }

    /// Asks the host which tips are based directly on the target branch, if that is not known
    /// yet. If it does not answer, they stay unproved.
    async fn prove_bases(&self, target_branch: &str, branches: &mut [FetchedBranch]) {
        let open = |branch: &&FetchedBranch| {
            branch.tip.parents.len() == 1 && !branch.content.base_on_target
        };
        let tips: BTreeSet<CommitSha> =
            branches.iter().filter(open).map(|branch| branch.tip.sha.clone()).collect();
        let is_http = self.options.url.starts_with("http");
        if tips.is_empty() || !is_http {
            return;
        }
        let ls_remote = LsRemote::new(self.options.http.service(Service::Git, 1));
        let credentials = self.options.credentials.as_ref();
        match ls_remote.directly_above(&self.options.url, target_branch, &tips, credentials).await {
            Ok(proved) => {
                for branch in branches.iter_mut() {
                    branch.content.base_on_target |= proved.contains(&branch.tip.sha);
                }
            }
            Err(failure) => {
                tracing::debug!(
                    "the host does not report what the branches are based on: {}",
                    failure.error
                );
            }
        }
    }
}

#[async_trait]
impl BranchReader for Branches {
    async fn branches(
        &self,
        prefixes: &[String],
        target_branch: &str,
    ) -> Result<Vec<Branch>, Failure> {
        let fetched = self.fetch(prefixes, target_branch).await?.into_iter();
        Ok(fetched
            .map(|FetchedBranch { name, tip, content }| Branch {
                name,
                tip,
                content: Lookup::Found(content),
            })
            .collect())
    }

    async fn file(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, Failure> {
        self.text(commit, path).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| Failure::new(error_chain(&error))),
        Err(error) => Err(Failure::new(format!("reading the branches stopped: {error}"))),
    }
}

type Heads = Vec<(String, Oid)>;

fn fetch(options: &BranchOptions, prefixes: &[String]) -> Result<(Fetched, Heads), GitError> {
    let (fetched, heads) = match Address::parse(&options.url)? {
        Address::File(path) => {
            let repo = open_source(&path)?;
            let heads =
                local_heads(&repo, prefixes).map_err(GitError::git("read", path.display()))?;
            (Fetched { repo, _scratch: None }, heads)
        }
        Address::Http { url, credentials } => {
            let scratch = ScratchDir::create(&options.scratch_dir)?;
            let place = url.to_string();
            let repo = borrow_objects(scratch.path(), options)?;
            let clone = CloneOptions {
                url: place.clone(),
                branch: None,
                credentials: None,
                cache_dir: None,
                scratch_dir: options.scratch_dir.clone(),
                times: options.times,
                http: options.http.clone(),
            };
            let credentials = credentials.or_else(|| options.credentials.clone());
            let session = Session::new(url, credentials, &clone)?;
            let heads =
                session.run("fetch the branches of", || download(&repo, &place, prefixes))?;
            (Fetched { repo, _scratch: Some(scratch) }, heads)
        }
    };
    if heads.len() > MAX_BRANCHES {
        let error =
            format!("more than {MAX_BRANCHES} branches begin with {}", prefixes.join(" or "));
        return Err(GitError::git("read", &options.url)(git2::Error::from_str(&error)));
    }
    Ok((fetched, heads))
}

fn local_heads(repo: &Repository, prefixes: &[String]) -> Result<Heads, git2::Error> {
    let mut heads = Heads::new();
    for reference in repo.references_glob(&format!("{HEADS}*"))? {
        let reference = reference?;
        if let (Ok(name), Some(id)) = (reference.name(), reference.target())
            && let Some(branch) = branch_with(name, prefixes)
        {
            heads.push((branch.to_owned(), id));
        }
    }
    heads.sort();
    Ok(heads)
}

/// The branch of a ref, if it begins with one of the prefixes.
fn branch_with<'n>(name: &'n str, prefixes: &[String]) -> Option<&'n str> {
    let branch = name.strip_prefix(HEADS)?;
    prefixes.iter().any(|prefix| branch.starts_with(prefix.as_str())).then_some(branch)
}

/// Creates an empty repository in `folder` that borrows the objects of the clone, and whose history
/// ends at the commit that was read, as in the clone.
fn borrow_objects(folder: &Path, options: &BranchOptions) -> Result<Repository, GitError> {
    let place = folder.display().to_string();
    let git_failed = || GitError::git("make a repository in", &place);
    Repository::init_bare(folder).map_err(git_failed())?;
    let written = fs::create_dir_all(folder.join("objects/info"))
        .and_then(|()| {
            let alternates = format!("{}\n", options.objects.display());
            fs::write(folder.join("objects/info/alternates"), alternates)
        })
        .and_then(|()| fs::write(folder.join("shallow"), format!("{}\n", options.base)));
    written.map_err(|source| GitError::Io { doing: "write to", place: place.clone(), source })?;
    let repo = open_repository(folder).map_err(git_failed())?;
    // Tells the host what it need not send again.
    Oid::from_str(options.base.as_str())
        .and_then(|base| repo.reference("refs/sapm/base", base, true, "").map(drop))
        .map_err(git_failed())?;
    Ok(repo)
}

fn download(repo: &Repository, place: &str, prefixes: &[String]) -> Result<Heads, git2::Error> {
    let mut remote = repo.remote_anonymous(place)?;
    let mut connection = remote.connect_auth(Direction::Fetch, None, None)?;
    let own = connection
        .list()?
        .iter()
        .filter_map(|head| Some((branch_with(head.name(), prefixes)?.to_owned(), head.oid())));
    let mut heads: Heads = own.collect();
    heads.sort();
    if heads.is_empty() || heads.len() > MAX_BRANCHES {
        return Ok(heads);
    }
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(|progress| progress.received_bytes() <= MAX_FETCHED_BYTES);
    let mut options = FetchOptions::new();
    // The tips and their parents.
    options.depth(2).download_tags(AutotagOption::None).remote_callbacks(callbacks);
    let refspecs: Vec<String> =
        heads.iter().map(|(name, _)| format!("+{HEADS}{name}:refs/sapm/{name}")).collect();
    connection.remote().download(&refspecs, Some(&mut options))?;
    Ok(heads)
}

struct Reading<'a> {
    repo: &'a Repository,
    options: &'a BranchOptions,
}

impl Reading<'_> {
    fn all(&self, heads: Heads, target_branch: &str) -> Result<Vec<FetchedBranch>, GitError> {
        // Only a repository that is read in place has the target branch's whole history.
        let target = self.repo.refname_to_id(&format!("{HEADS}{target_branch}")).ok();
        heads
            .into_iter()
            .map(|(name, id)| {
                let failed = || GitError::git("read the branch", &name);
                let commit = self.repo.find_commit(id).map_err(failed())?;
                let tip = detail(&commit)?;
                let content = self.content(&commit, target).map_err(failed())?;
                Ok(FetchedBranch { name, tip, content })
            })
            .collect()
    }

    fn content(
        &self,
        commit: &Commit<'_>,
        target: Option<Oid>,
    ) -> Result<BranchContent, git2::Error> {
        let mut content = BranchContent { base_on_target: false, changed: Vec::new() };
        if commit.parent_count() != 1 {
            return Ok(content);
        }
        let base = commit.parent(0)?;
        content.base_on_target = base.id().to_string() == self.options.base.as_str()
            || target.is_some_and(|target| {
                target == base.id()
                    || self.repo.graph_descendant_of(target, base.id()).unwrap_or(false)
            });
        let mut path = String::new();
        let (old, new) = (base.tree()?, commit.tree()?);
        // One that is not declared shows that the bot did not make it.
        let most = verify::count_declared_files(&text(commit.message_raw_bytes())) + 1;
        self.compare((&old, &new), &mut path, most, &mut content.changed)?;
        Ok(content)
    }

    /// Lists changed files, up to the maximum.
    fn compare(
        &self,
        (old, new): (&Tree<'_>, &Tree<'_>),
        path: &mut String,
        most: usize,
        changed: &mut Vec<ChangedFile>,
    ) -> Result<(), git2::Error> {
        if old.id() == new.id() || changed.len() >= most {
            return Ok(());
        }
        for (name, (before, after)) in find_differences(old, new) {
            let length = path.len();
            path.push_str(if length == 0 { "" } else { "/" });
            path.push_str(&String::from_utf8_lossy(&name));
            match (before, after) {
                (Some(before), Some(after)) if is_folder(&before) && is_folder(&after) => {
                    let (before, after) =
                        (self.repo.find_tree(before.id())?, self.repo.find_tree(after.id())?);
                    self.compare((&before, &after), path, most, changed)?;
                }
                (before, after) => {
                    let digests = before.zip(after).and_then(|(before, after)| {
                        let regular = before.filemode() == after.filemode()
                            && before.filemode() & TYPE_BITS == REGULAR;
                        if !regular {
                            return None;
                        }
                        Some((self.digest(before.id())?, self.digest(after.id())?))
                    });
                    changed.push(ChangedFile { path: path.clone(), digests });
                }
            }
            path.truncate(length);
            if changed.len() >= most {
                break;
            }
        }
        Ok(())
    }

    fn digest(&self, blob: Oid) -> Option<String> {
        let odb = self.repo.odb().ok()?;
        let (size, kind) = odb.read_header(blob).ok()?;
        if kind != ObjectType::Blob || size > MAX_FILE_BYTES {
            return None;
        }
        Some(sha256_hex(odb.read(blob).ok()?.data()))
    }
}

fn is_folder(entry: &TreeEntry<'_>) -> bool {
    entry.kind() == Some(ObjectType::Tree)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_MESSAGE_BYTES)]).into_owned()
}

fn detail(commit: &Commit<'_>) -> Result<CommitDetail, GitError> {
    let (author, committer) = (commit.author(), commit.committer());
    Ok(CommitDetail {
        sha: sha(commit.id())?,
        parents: commit.parent_ids().map(sha).collect::<Result<_, _>>()?,
        author_name: text(author.name_bytes()),
        author_email: text(author.email_bytes()),
        committer_name: text(committer.name_bytes()),
        committer_email: text(committer.email_bytes()),
        message: text(commit.message_raw_bytes()),
        committed_at: chrono::DateTime::from_timestamp(commit.time().seconds(), 0),
    })
}
