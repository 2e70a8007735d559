//! Runs of `sapm apply` in this process, so that there are merge requests of ours.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use sapm::app_interface::{Entry, FileTree, TreeError, is_datafile};
use sapm::apply::{Bounds, apply};
use sapm::clients::git::{BranchOptions, Branches, GitMerge, TimeOuts};
use sapm::clients::gitlab::{
    ConnectOptions, GitLabApi, GitLabReader, GitLabWriter, Token, WriterConfig,
};
use sapm::clients::http::{HttpClient, HttpConfig, Service};
use sapm::domain::{CommitSha, RepoUrl, UidDigest};
use sapm::plan::{CLOSED_BY_BOT_MARKER, Settings};
use sapm::ports::{Commits, Deadline, NoProgress, SloSource, StateError, StateStore};
use sapm::run::{self, ConfigRepo, Options, ReadOptions, Services};
use sapm::snapshot::{CommitFact, ConfigRepoFacts, Failure, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::world::{BUCKET, PROJECT, TOKEN, World, sha};

/// Commits and records, as the world has them.
struct Facts<'a>(&'a World);

#[async_trait]
impl Commits for Facts<'_> {
    async fn commit(&self, url: &RepoUrl, _git_ref: &str) -> Result<CommitFact, Failure> {
        let app = url.as_str().rsplit("code/app").next().and_then(|app| app.parse().ok());
        let app: usize = app.ok_or_else(|| Failure::new("no app"))?;
        let number = self.0.released.lock().unwrap()[&app];
        let sha = CommitSha::parse(&sha(app, number)).unwrap();
        Ok(CommitFact { sha, committed_at: None, subject: None })
    }
}

#[async_trait]
impl StateStore for Facts<'_> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.forge.get_object(BUCKET, key))
    }

    async fn put(&self, _key: &str, _bytes: Vec<u8>) -> Result<(), StateError> {
        Ok(())
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}

#[async_trait]
impl SloSource for Facts<'_> {
    async fn value(&self, _url: &str, _expression: &str) -> Result<f64, Failure> {
        Err(Failure::new("no Prometheus"))
    }
}

struct Tree(BTreeMap<String, Vec<u8>>);

impl FileTree for Tree {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (path, bytes) in &self.0 {
            if let Some(path) = path.strip_prefix("data").filter(|path| is_datafile(path)) {
                visitor(Entry::File(path, bytes));
            }
        }
        Ok(())
    }
}

impl World {
    /// A run with these labels, as `sapm apply` makes it.
    pub fn apply(&self, labels: &[&str]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.apply_once(labels));
        self.forge.settle();
    }

    async fn apply_once(&self, labels: &[&str]) {
        let http = HttpClient::new(HttpConfig::default());
        let api = self.api(&http);
        let reader = GitLabReader::connect(api.clone(), &connecting()).await.unwrap();
        let facts = self.facts(&reader);
        let branches = self.branches_at(&facts.base_commit, http);
        let project = reader.project();
        let ports = Facts(self);
        let services = Services {
            commits: &ports,
            state: &ports,
            slos: &ports,
            forge: Some(run::Forge {
                reader: &reader,
                branches: &branches,
                repo: facts,
                optional: false,
            }),
            merger: &GitMerge,
            progress: &NoProgress,
        };
        let settings = Settings {
            target_branch: "main".to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            max_new_merge_requests: 100,
            ..Settings::default()
        };
        let options = Options {
            settings,
            digest: UidDigest::Blake2s,
            concurrency: 4,
            deadline: Deadline::new(Duration::from_secs(600)),
        };
        let repo =
            ConfigRepo::read(&Tree(self.project.files("main")), &ReadOptions::default()).unwrap();
        let mut snapshot = Snapshot::new(self.now());
        let planned = run::live(&options, &services, &repo, &mut snapshot, &mut ()).await.unwrap();
        let writer = GitLabWriter::new(api, project, WriterConfig::default());
        let stop = CancellationToken::new();
        let bounds = Bounds { stop: &stop, deadline: &options.deadline, at_once: 1 };
        let outcomes = apply(&planned.plan, &reader, &writer, bounds, &NoProgress).await;
        assert!(outcomes.problems.is_empty(), "{:?}", outcomes.problems);
    }

    fn api(&self, http: &HttpClient) -> GitLabApi {
        let token = Token::Private(TOKEN.to_owned().into());
        let service = http.service(Service::GitLab, 4);
        GitLabApi::new(service, &self.forge.gitlab_url(), Some(token)).unwrap()
    }

    fn facts(&self, reader: &GitLabReader) -> ConfigRepoFacts {
        let project = reader.project();
        ConfigRepoFacts {
            project_id: project.id,
            project_path: project.path.clone(),
            web_url: project.web_url.clone(),
            target_branch: project.target_branch.clone(),
            base_commit: CommitSha::parse(&self.project.tip("main").unwrap()).unwrap(),
            is_outdated: false,
            merge_method: project.merge_method,
            bot: reader.bot().clone(),
            former_bots: Vec::new(),
            other_bots: Vec::new(),
        }
    }

    fn branches_at(&self, base: &CommitSha, http: HttpClient) -> Branches {
        let folder = self.project.repository_dir();
        Branches::new(BranchOptions {
            url: folder.display().to_string(),
            credentials: None,
            objects: folder.join("objects"),
            base: base.clone(),
            scratch_dir: std::env::temp_dir(),
            times: TimeOuts::default(),
            http,
        })
    }
}

fn connecting() -> ConnectOptions {
    ConnectOptions {
        project: PROJECT.to_owned(),
        bot_user: None,
        former_bot_users: Vec::new(),
        other_bots: Vec::new(),
        target_branch: None,
        closed_by_bot_marker: CLOSED_BY_BOT_MARKER.to_owned(),
        to_write: None,
        job: None,
    }
}
