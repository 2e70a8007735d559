//! Opens the config repo: a clone, a checkout, or a folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::config::{Environment, given};
use super::exit::{Exit, Fatal};
use super::gitlab_config::same_host;
use super::pipeline::Mode;
use super::shared_args::SourceArgs;
use crate::app_interface::{DirectoryTree, Entry, FileTree, ParsedFiles, RootFile, TreeError};
use crate::clients::git::{self, CloneOptions, ConfigCheckout, Credentials, GitError, TimeOuts};
use crate::clients::gitlab::Token;
use crate::clients::http::HttpClient;
use crate::clients::parsed_cache::ParsedCache;
use crate::domain::{CommitSha, error_chain};
use crate::plan::ReviewersFrom;
use crate::run::{ConfigRepo, ReadOptions};

/// The source of the config repo.
#[derive(Debug, Clone)]
pub enum Source {
    /// A URL to clone, without credentials.
    Url(String),
    /// A checkout, or any folder with `data/`.
    Path(PathBuf),
}

impl Source {
    /// Resolves the source of the config repo.
    ///
    /// # Errors
    /// When it is not configured.
    pub fn resolve(args: &SourceArgs, environment: &Environment<'_>) -> Result<Self, Fatal> {
        let text = given(args.app_interface.as_ref()).or_else(|| {
            let folder = environment.get("CI_PROJECT_DIR")?;
            PathBuf::from(&folder).join("data").is_dir().then_some(folder)
        });
        let Some(text) = text else {
            return Err(Fatal::new(Exit::Usage, "the config repo is not configured")
                .hint("set --app-interface (SAPM_APP_INTERFACE) to a git URL or a path"));
        };
        if text.contains("://") {
            return Ok(Self::Url(text));
        }
        if text.contains('@') && text.contains(':') && !PathBuf::from(&text).exists() {
            return Err(Fatal::new(Exit::Usage, "the config repo cannot be cloned over ssh")
                .hint("use its https URL with SAPM_GITLAB_TOKEN"));
        }
        Ok(Self::Path(PathBuf::from(text)))
    }
}

/// How to open the config repo. Has no `Debug`, because it contains a token.
pub struct Opening {
    /// Its source.
    pub source: Source,
    /// The branch to clone; `None`: the remote's default.
    pub branch: Option<String>,
    /// The cache folder for the clone.
    pub cache_dir: Option<PathBuf>,
    /// GitLab's URL and token. The token is sent only to its host.
    pub gitlab: Option<(String, Token)>,
    /// User and token for another host.
    pub other: Option<Credentials>,
    /// Write, or only plan.
    pub mode: Mode,
    /// How to read it.
    pub read: ReadOptions,
    /// The HTTP client that a clone shares with all other requests.
    pub http: HttpClient,
    /// Datafiles whose bytes are kept, by their bytes.
    pub keep: Option<fn(&[u8]) -> bool>,
}

impl Opening {
    /// The datafiles that earlier runs parsed. None if bytes are kept: a known file may not be read at all.
    fn parsed_cache(&self) -> Option<ParsedCache> {
        let (Some(folder), Some((_, Token::Private(token))), None, Source::Url(place)) =
            (&self.cache_dir, &self.gitlab, self.keep, &self.source)
        else {
            return None;
        };
        // Without users, their files count as irrelevant.
        let with_users = self.read.reviewers == ReviewersFrom::Owners;
        let what = if with_users { format!("{place} with users") } else { place.clone() };
        Some(ParsedCache::new(folder, &what, token))
    }
}

/// The config repo after reading.
pub struct Loaded {
    /// Its datafiles and targets.
    pub repo: ConfigRepo,
    /// The commit that was read, or that is checked out; `None` for a plain folder.
    pub commit: Option<CommitSha>,
    /// The branch that was cloned.
    pub branch: Option<String>,
    /// The remote `origin` of a checkout.
    pub origin: Option<String>,
    /// The repository with the commit, kept while branches are compared with it.
    repository: Option<Repository>,
    /// Bytes of the datafiles that were to be kept, by path.
    pub kept: BTreeMap<String, Vec<u8>>,
}

/// A repository on this machine.
enum Repository {
    /// A temporary or cached clone.
    Clone(Box<Mutex<ConfigCheckout>>),
    Checkout(PathBuf),
}

impl Loaded {
    /// The folder with the objects of the commit, if they are on this machine.
    pub fn objects(&self) -> Option<PathBuf> {
        match self.repository.as_ref()? {
            Repository::Clone(clone) => {
                Some(clone.lock().unwrap_or_else(PoisonError::into_inner).objects_folder())
            }
            Repository::Checkout(path) => git::objects_folder(path).ok(),
        }
    }

    /// Closes the clone: unlocks the cache for other runs, or removes a temporary clone.
    pub fn close_repository(&mut self) {
        self.repository = None;
    }
}

/// Opens and reads the config repo. Blocks.
///
/// # Errors
/// With exit code 2 (cannot apply to this), 3 (not a config repo) or 4 (cloning failed).
pub fn load_config_repo(opening: &Opening) -> Result<Loaded, Fatal> {
    match &opening.source {
        Source::Url(url) => load_from_url(opening, url),
        Source::Path(path) => load_from_path(opening, path),
    }
}

/// Credentials for GitLab's git, from a token.
pub fn git_credentials(token: &Token) -> Credentials {
    match token {
        Token::Private(token) => Credentials::new("oauth2", token.clone()),
        Token::Job(token) => Credentials::new("gitlab-ci-token", token.clone()),
    }
}

fn load_from_url(opening: &Opening, url: &str) -> Result<Loaded, Fatal> {
    let credentials = match &opening.gitlab {
        Some((gitlab, token)) if same_host(gitlab, url) => Some(git_credentials(token)),
        _ => opening.other.clone(),
    };
    let checkout = git::open(&CloneOptions {
        url: url.to_owned(),
        branch: opening.branch.clone(),
        credentials,
        cache_dir: opening.cache_dir.clone(),
        scratch_dir: std::env::temp_dir(),
        times: TimeOuts::default(),
        http: opening.http.clone(),
    })
    .map_err(|error| report_clone_failure(&error))?;
    let stats = checkout.stats();
    tracing::info!(
        from_cache = stats.from_cache,
        objects = stats.objects,
        bytes = stats.bytes,
        "config repo at {} ({})",
        checkout.commit().short(),
        checkout.branch()
    );
    let (commit, branch) = (checkout.commit().clone(), checkout.branch().to_owned());
    let tree = CloneTree(checkout);
    let (repo, kept) = read(&tree, opening)?;
    Ok(Loaded {
        repo,
        kept,
        commit: Some(commit),
        branch: Some(branch),
        origin: None,
        repository: Some(Repository::Clone(Box::new(Mutex::new(tree.0)))),
    })
}

fn load_from_path(opening: &Opening, path: &Path) -> Result<Loaded, Fatal> {
    if !path.is_dir() {
        return Err(Fatal::new(Exit::NoConfigRepo, format!("{} is not a folder", path.display()))
            .hint(
                "set --app-interface (SAPM_APP_INTERFACE) to a git URL or to a folder with data/",
            ));
    }
    let head = git::local_head(path)
        .map_err(|error| Fatal::new(Exit::NoConfigRepo, error_chain(&error)))?;
    let (repo, kept) = match (&head, opening.mode) {
        (Some(head), Mode::Apply) => {
            let tree = CommitTree { path: path.to_owned(), commit: head.commit.clone() };
            read(&tree, opening)?
        }
        (None, Mode::Apply) => {
            return Err(Fatal::new(
                Exit::Usage,
                format!(
                    "{} is not a git checkout: there is no commit to start from",
                    path.display()
                ),
            )
            .hint("apply needs a git URL or a checkout; `sapm plan` reads any folder"));
        }
        (_, Mode::Plan) => read(&DirectoryTree::new(path), opening)?,
    };
    Ok(Loaded {
        repo,
        kept,
        origin: head.as_ref().and_then(|head| head.origin_url.clone()),
        repository: head.as_ref().map(|_| Repository::Checkout(path.to_owned())),
        commit: head.map(|head| head.commit),
        branch: None,
    })
}

/// Reads another commit of a checkout.
///
/// # Errors
/// With exit code 3, when it is not a config repo.
pub fn load_commit(
    opening: &Opening,
    path: &Path,
    commit: &CommitSha,
) -> Result<ConfigRepo, Fatal> {
    let tree = CommitTree { path: path.to_owned(), commit: commit.clone() };
    Ok(read(&tree, opening)?.0)
}

fn read(
    tree: &dyn FileTree,
    opening: &Opening,
) -> Result<(ConfigRepo, BTreeMap<String, Vec<u8>>), Fatal> {
    let tree = Keeping { tree, keep: opening.keep, kept: RefCell::default() };
    let cache = opening.parsed_cache();
    let mut parsed = cache.as_ref().map_or_else(ParsedFiles::disabled, ParsedCache::read);
    let repo = ConfigRepo::read_with(&tree, &opening.read, &mut parsed).map_err(|error| {
        Fatal::new(Exit::NoConfigRepo, error_chain(&error))
            .hint("the config repo has its datafiles in data/: check the repo and the branch")
    })?;
    cache.iter().for_each(|cache| cache.write(&parsed));
    Ok((repo, tree.kept.into_inner()))
}

/// Bytes that are kept at most; what comes after is left out.
const MAX_KEPT: usize = 64 << 20;

/// A tree that keeps some of the datafiles that it shows.
struct Keeping<'a> {
    tree: &'a dyn FileTree,
    keep: Option<fn(&[u8]) -> bool>,
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl FileTree for Keeping<'_> {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        let mut room = MAX_KEPT;
        self.tree.visit(&mut |entry| {
            if let (Entry::File(path, bytes), Some(keep)) = (&entry, self.keep)
                && bytes.len() <= room
                && keep(bytes)
            {
                room -= bytes.len();
                self.kept.borrow_mut().insert((*path).to_owned(), bytes.to_vec());
            }
            visitor(entry);
        })
    }

    fn root_file(&self, path: &str, limit: u64) -> Result<Option<RootFile>, TreeError> {
        self.tree.root_file(path, limit)
    }
}

fn report_clone_failure(error: &GitError) -> Fatal {
    let exit = match error {
        GitError::NoSuchPath { .. } => Exit::NoConfigRepo,
        GitError::Address { .. } => Exit::Usage,
        _ => Exit::ServiceFailed,
    };
    let fatal =
        Fatal::new(exit, format!("the config repo cannot be cloned: {}", error_chain(error)));
    match error {
        GitError::Unauthorized { .. } | GitError::NotFound { .. } => fatal.hint(
            "check the URL, and that SAPM_GITLAB_TOKEN (scope read_repository or api) can see the project",
        ),
        GitError::BranchMissing { .. } => fatal.hint("check --target-branch (SAPM_TARGET_BRANCH)"),
        GitError::Unreachable { .. } | GitError::TimedOut { .. } => fatal.hint(
            "check --app-interface (SAPM_APP_INTERFACE), and that its host is reachable from here",
        ),
        _ => fatal,
    }
}

struct CloneTree(ConfigCheckout);

impl FileTree for CloneTree {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        self.0.visit_files(visitor).map_err(|error| convert_error(self.0.place(), error))
    }

    fn root_file(&self, path: &str, limit: u64) -> Result<Option<RootFile>, TreeError> {
        self.0.root_file(path, limit).map_err(|error| convert_error(self.0.place(), error))
    }
}

struct CommitTree {
    path: PathBuf,
    commit: CommitSha,
}

impl FileTree for CommitTree {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        let place = format!("{} at {}", self.path.display(), self.commit.short());
        git::visit_commit(&self.path, &self.commit, visitor)
            .map_err(|error| convert_error(&place, error))
    }

    fn root_file(&self, path: &str, limit: u64) -> Result<Option<RootFile>, TreeError> {
        git::root_file_of_commit(&self.path, &self.commit, path, limit)
            .map_err(|error| convert_error(&self.path.display().to_string(), error))
    }
}

fn convert_error(place: &str, error: GitError) -> TreeError {
    match error {
        GitError::NoSuchPath { .. } => TreeError::NoData(place.to_owned()),
        other => TreeError::Read { place: place.to_owned(), source: other.into() },
    }
}
