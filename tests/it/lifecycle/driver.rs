//! The real pipeline in this process: loads the config repo from the forge,
//! observes, decides, plans and applies, as the program does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use forge::{Access, Forge, ProjectHandle};
use sapm::app_interface::{Entry, FileTree, TreeError, is_datafile};
use sapm::apply::{Bounds, Outcomes, WRITES_AT_ONCE, apply};
use sapm::clients::git::{BranchOptions, Branches, GitMerge, TimeOuts};
use sapm::clients::gitlab::{
    ConnectOptions, GitLabApi, GitLabReader, GitLabWriter, Token, WriterConfig,
};
use sapm::clients::http::{HttpClient, HttpConfig, Service};
use sapm::decide::Decisions;
use sapm::domain::{CommitSha, RepoPath, RepoUrl, UidDigest};
use sapm::plan::{CLOSED_BY_BOT_MARKER, Plan, Settings};
use sapm::ports::{
    Branch, BranchReader, Commits, Deadline, NoProgress, SloSource, StateError, StateStore,
};
use sapm::run::{self, ConfigRepo, Options, ReadOptions, Services};
use sapm::snapshot::{CommitFact, ConfigRepoFacts, Failure, Snapshot};
use tokio_util::sync::CancellationToken;

use super::config::{Config, Files};
use super::turns::{InTurn, Turn, Turns};

pub const TOKEN: &str = "glpat-of-the-bot";
pub const BOT: &str = "sapm-bot";
pub const PROJECT: &str = "team/config";
/// What the bot puts on its merge requests.
pub const LABEL: &str = "sapm";

/// What the services beside GitLab say.
#[derive(Debug, Default)]
pub struct Facts {
    /// By address and ref; none: the lookup fails.
    pub commits: BTreeMap<(String, String), Option<String>>,
    /// By key in the bucket.
    pub records: BTreeMap<String, serde_json::Value>,
    /// By expression.
    pub slos: BTreeMap<String, f64>,
}

struct Ports(Arc<Mutex<Facts>>);

#[async_trait]
impl Commits for Ports {
    async fn commit(&self, url: &RepoUrl, git_ref: &str) -> Result<CommitFact, Failure> {
        let facts = self.0.lock().unwrap();
        let key = (url.as_str().to_owned(), git_ref.to_owned());
        let sha = facts.commits.get(&key).cloned().flatten().and_then(|sha| CommitSha::parse(&sha));
        let sha = sha.ok_or_else(|| Failure::new("no answer"))?;
        Ok(CommitFact { sha, committed_at: None, subject: None })
    }
}

#[async_trait]
impl StateStore for Ports {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.lock().unwrap().records.get(key).map(|record| record.to_string().into_bytes()))
    }

    async fn put(&self, _key: &str, _bytes: Vec<u8>) -> Result<(), StateError> {
        Err(StateError::Key("read only".to_owned()))
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}

#[async_trait]
impl SloSource for Ports {
    async fn value(&self, _url: &str, expression: &str) -> Result<f64, Failure> {
        let value = self.0.lock().unwrap().slos.get(expression).copied();
        value.ok_or_else(|| Failure::new("no such series"))
    }
}

/// Files as the loader wants them.
struct Tree<'a>(&'a Files);

impl FileTree for Tree<'_> {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (path, bytes) in self.0 {
            match path.strip_prefix("data") {
                Some(path) if is_datafile(path) => visitor(Entry::File(path, bytes)),
                _ => {}
            }
        }
        Ok(())
    }
}

pub fn load_files(files: &Files) -> ConfigRepo {
    ConfigRepo::read(&Tree(files), &ReadOptions::default()).expect("a config repo")
}

/// The branches by git, or by the API.
struct BranchSource {
    git: Branches,
    api: Option<GitLabReader>,
}

#[async_trait]
impl BranchReader for BranchSource {
    async fn branches(
        &self,
        prefixes: &[String],
        target_branch: &str,
    ) -> Result<Vec<Branch>, Failure> {
        match &self.api {
            Some(api) => api.branches(prefixes, target_branch).await,
            None => self.git.branches(prefixes, target_branch).await,
        }
    }

    async fn file(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, Failure> {
        match &self.api {
            Some(api) => api.file(commit, path).await,
            None => self.git.file(commit, path).await,
        }
    }
}

/// A finished run.
pub struct Run {
    pub loaded: Rc<ConfigRepo>,
    pub decisions: Decisions,
    pub plan: Plan,
    pub outcomes: Outcomes,
    /// How long it waited for places in GitLab's limits, and because GitLab asked for it.
    pub waited: Duration,
}

/// How it tells of a run that did not come to its end.
pub type Ended = Result<Run, String>;

/// The program with its world.
pub struct Bot {
    pub forge: Forge,
    pub project: ProjectHandle,
    pub id: u64,
    pub facts: Arc<Mutex<Facts>>,
    pub settings: RefCell<Settings>,
    pub now: Cell<DateTime<Utc>>,
    /// Short time-outs: for requests that are never answered.
    pub hasty: Cell<bool>,
    /// Writes that a "minute" takes, and how long that is; none: as many as there are.
    pub pacing: Cell<Option<(usize, Duration)>>,
    /// How many merge requests are written to at once.
    pub at_once: Cell<usize>,
    /// Requests to GitLab under way at once. One: the nth request is the same one every time.
    pub connections: Cell<usize>,
    /// Are branches read by GitLab's API, as where git does not serve them?
    pub branches_by_api: Cell<bool>,
    /// Names of users whose closings and reverts are no person's refusal.
    pub other_bots: RefCell<Vec<String>>,
    patient_client: HttpClient,
    hasty_client: HttpClient,
    /// Config repos by commit.
    cache: RefCell<BTreeMap<String, Rc<ConfigRepo>>>,
}

pub fn begin() -> DateTime<Utc> {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn client(answer_within: Duration) -> HttpClient {
    HttpClient::new(HttpConfig {
        attempt_timeout: answer_within,
        write_timeout: answer_within,
        backoff_base: Duration::from_micros(200),
        backoff_cap: Duration::from_millis(1),
        longest_pause: Duration::from_secs(2),
        untold_pause: Duration::from_millis(3),
        ..HttpConfig::default()
    })
}

impl Bot {
    pub fn start(config: &Config) -> Self {
        let mut builder = Forge::builder().time(begin()).threads(1);
        if std::path::Path::new("/dev/shm").is_dir() {
            builder = builder.folder("/dev/shm");
        }
        let forge = builder.start_blocking();
        let project = forge.create_project(PROJECT, config.files());
        let id = project.add_bot(BOT, TOKEN, Access::Developer, &["api"]);
        project.add_member("dev", Access::Maintainer);
        let settings = Settings {
            target_branch: "main".to_owned(),
            labels: [LABEL.to_owned()].into(),
            max_new_merge_requests: 10,
            pipeline_url: Some("https://ci.example/1".to_owned()),
            ..Settings::default()
        };
        Self {
            forge,
            project,
            id,
            facts: Arc::default(),
            settings: RefCell::new(settings),
            now: Cell::new(begin()),
            hasty: Cell::new(false),
            pacing: Cell::new(None),
            at_once: Cell::new(WRITES_AT_ONCE),
            connections: Cell::new(1),
            branches_by_api: Cell::new(false),
            other_bots: RefCell::default(),
            patient_client: client(Duration::from_secs(20)),
            hasty_client: client(Duration::from_millis(120)),
            cache: RefCell::default(),
        }
    }

    /// The config repo at a commit.
    pub fn loaded(&self, commit: &str) -> Rc<ConfigRepo> {
        if let Some(loaded) = self.cache.borrow().get(commit) {
            return loaded.clone();
        }
        let loaded = Rc::new(load_files(&self.project.files(commit)));
        self.cache.borrow_mut().insert(commit.to_owned(), loaded.clone());
        loaded
    }

    pub fn main(&self) -> String {
        self.project.tip("main").expect("the target branch")
    }

    /// First contact, as every run makes it.
    pub async fn reader(&self) -> Result<GitLabReader, String> {
        self.reader_of(self.api()).await
    }

    async fn reader_of(&self, api: GitLabApi) -> Result<GitLabReader, String> {
        let options = ConnectOptions {
            project: PROJECT.to_owned(),
            bot_user: None,
            former_bot_users: Vec::new(),
            other_bots: self.other_bots.borrow().clone(),
            target_branch: None,
            closed_by_bot_marker: CLOSED_BY_BOT_MARKER.to_owned(),
            to_write: None,
            job: None,
        };
        let reader = GitLabReader::connect(api, &options).await;
        reader.map_err(|error| error.to_string())
    }

    fn api(&self) -> GitLabApi {
        let client = if self.hasty.get() { &self.hasty_client } else { &self.patient_client };
        let token = Token::Private(TOKEN.to_owned().into());
        let service = client.service(Service::GitLab, self.connections.get());
        GitLabApi::new(service, &self.forge.gitlab_url(), Some(token)).expect("an address")
    }

    /// A run that nothing interferes with.
    pub async fn run(&self) -> Ended {
        self.run_with(std::future::ready(())).await
    }

    /// A run, with something that happens between planning and applying.
    pub async fn run_with(&self, between: impl Future<Output = ()>) -> Ended {
        self.whole_run(None, between).await
    }

    /// Two runs at once, which take turns.
    pub async fn two_runs(&self, turns: &Turns) -> (Ended, Ended) {
        let run = async |number: usize| {
            let turn = Turn::new(turns, number);
            turn.take().await;
            self.whole_run(Some(&turn), std::future::ready(())).await
        };
        tokio::join!(run(0), run(1))
    }

    async fn whole_run(&self, turn: Option<&Turn<'_>>, between: impl Future<Output = ()>) -> Ended {
        let base = self.main();
        let loaded = self.loaded(&base);
        // What one is told, a pause say, the other knows.
        let api = self.api();
        let reader = InTurn { inner: self.reader_of(api.clone()).await?, turn };
        let (project, bot) = (reader.inner.project(), reader.inner.bot());
        let repo = ConfigRepoFacts {
            project_id: project.id,
            project_path: project.path.clone(),
            web_url: project.web_url.clone(),
            target_branch: project.target_branch.clone(),
            base_commit: CommitSha::parse(&base).expect("a commit"),
            is_outdated: project.target_tip.as_ref().is_some_and(|tip| tip.as_str() != base),
            merge_method: project.merge_method,
            bot: bot.clone(),
            former_bots: Vec::new(),
            other_bots: reader.inner.other_bots().to_vec(),
        };
        let api_reader = self.branches_by_api.get().then(|| reader.inner.clone());
        let branches =
            InTurn { inner: BranchSource { git: self.branches(&base), api: api_reader }, turn };
        let ports = Ports(self.facts.clone());
        let services = Services {
            commits: &ports,
            state: &ports,
            slos: &ports,
            forge: Some(run::Forge { reader: &reader, branches: &branches, repo, optional: false }),
            merger: &GitMerge,
            progress: &NoProgress,
        };
        let options = Options {
            settings: self.settings.borrow().clone(),
            digest: UidDigest::Blake2s,
            concurrency: 1,
            deadline: Deadline::new(Duration::from_secs(600)),
        };
        let mut snapshot = Snapshot::new(self.now.get());
        let planned = run::live(&options, &services, &loaded, &mut snapshot, &mut ()).await;
        let run::Planned { decisions, plan, .. } = planned.map_err(|error| error.to_string())?;
        between.await;
        let (limit, minute) = self.pacing.get().unwrap_or((60, Duration::ZERO));
        let config = WriterConfig {
            pipelines_per_minute: limit,
            notes_per_minute: limit,
            minute,
            ..WriterConfig::default()
        };
        let writer = InTurn { inner: GitLabWriter::new(api, project, config), turn };
        let stop = CancellationToken::new();
        let at_once = self.at_once.get();
        let bounds = Bounds { stop: &stop, deadline: &options.deadline, at_once };
        let outcomes = apply(&plan, &reader, &writer, bounds, &NoProgress).await;
        Ok(Run { loaded, decisions, plan, outcomes, waited: writer.inner.waited() })
    }

    /// The branches, read where the fake keeps them.
    fn branches(&self, base: &str) -> Branches {
        let folder = self.project.repository_dir();
        Branches::new(BranchOptions {
            url: folder.display().to_string(),
            credentials: None,
            objects: folder.join("objects"),
            base: CommitSha::parse(base).expect("a commit"),
            scratch_dir: std::env::temp_dir(),
            times: TimeOuts::default(),
            http: HttpClient::new(HttpConfig::default()),
        })
    }

    /// What the bot wrote since the log was cleared.
    pub fn writes(&self) -> Vec<String> {
        let of_bot = self.forge.writes().into_iter();
        of_bot
            .map(|entry| format!("{} {} -> {:?}", entry.method, entry.path, entry.status))
            .collect()
    }
}
