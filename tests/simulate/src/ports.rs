//! The planner's and the executor's ports, straight to the project of the fakes: no HTTP, no time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use forge::ProjectHandle;
use sapm::domain::{CommitSha, MrIid, RepoPath, RepoUrl, UserId, sha256_hex};
use sapm::ports::{
    Attempt, Branch, BranchReader, CommitOutcome, Commits, Counted, Deadline, ForgeReader,
    ForgeWriter, GoneMerge, LimitSlot, MergeRequestChange, NewCommit, NewFile, NewMergeRequest,
    OpenOutcome, SloSource, StateError, StateStore, Waits,
};
use sapm::snapshot::{
    BranchContent, ChangedFile, CommitDetail, CommitFact, Failure, LabelEvent, Lookup,
    MergeRequestFact, MrState, PastMergeRequest, PipelineFact,
};

/// The bot's user.
pub(crate) const BOT: &str = "sapm-bot";

/// What services beside GitLab know: refs of code repositories, and deployment records.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// By address of the repository.
    pub commits: BTreeMap<String, String>,
    /// By key.
    pub records: BTreeMap<String, Vec<u8>>,
}

/// The project, as the bot sees it.
#[derive(Clone)]
pub(crate) struct Forge {
    pub project: ProjectHandle,
    pub bot: u64,
    pub facts: Arc<Mutex<Facts>>,
    /// How the newest pipeline of each open merge request stands, in GitLab's words.
    pub pipelines: Arc<Mutex<BTreeMap<u64, &'static str>>>,
    /// By tip: it never changes.
    contents: Arc<Mutex<BTreeMap<String, BranchContent>>>,
}

fn sha(text: &str) -> CommitSha {
    CommitSha::parse(text).expect("a commit")
}

impl Forge {
    pub fn new(project: ProjectHandle, bot: u64) -> Self {
        let (facts, pipelines, contents) = Default::default();
        Self { project, bot, facts, pipelines, contents }
    }

    fn detail(&self, commit: &str) -> CommitDetail {
        let parents = self.project.parents(commit);
        CommitDetail {
            sha: sha(commit),
            parents: parents.iter().map(|parent| sha(parent)).collect(),
            author_name: BOT.to_owned(),
            author_email: String::new(),
            committer_name: BOT.to_owned(),
            committer_email: String::new(),
            message: self.project.message(commit).unwrap_or_default(),
            committed_at: None,
        }
    }

    /// What a tip changes. The commits below the bot's are on the target branch.
    fn content(&self, tip: &CommitDetail) -> BranchContent {
        let mut contents = self.contents.lock().unwrap();
        let make = || {
            let [parent] = tip.parents.as_slice() else {
                return BranchContent { base_on_target: false, changed: Vec::new() };
            };
            let digest = |commit: &CommitSha, path: &str| {
                self.project.file(commit.as_str(), path).map(|bytes| sha256_hex(&bytes))
            };
            let changed = self.project.changed(parent.as_str(), tip.sha.as_str());
            let changed = changed.into_iter().map(|path| {
                let digests = digest(parent, &path).zip(digest(&tip.sha, &path));
                ChangedFile { path, digests }
            });
            BranchContent { base_on_target: true, changed: changed.collect() }
        };
        contents.entry(tip.sha.to_string()).or_insert_with(make).clone()
    }

    fn fact(&self, mr: &forge::MergeRequest) -> MergeRequestFact {
        let status = self.pipelines.lock().unwrap().get(&mr.iid).copied();
        let ended = mr.merged.or(mr.closed);
        MergeRequestFact {
            iid: MrIid(mr.iid),
            state: match mr.state {
                forge::MrState::Opened => MrState::Opened,
                forge::MrState::Closed => MrState::Closed,
                forge::MrState::Merged => MrState::Merged,
                forge::MrState::Locked => MrState::Locked,
            },
            title: mr.title.clone(),
            description: mr.description.clone(),
            draft: mr.is_draft(),
            auto_merge: mr.auto_merge,
            author_id: UserId(mr.author),
            author: BOT.to_owned(),
            source_branch: mr.source_branch.clone(),
            target_branch: mr.target_branch.clone(),
            sha: mr.sha.as_deref().and_then(CommitSha::parse),
            labels: mr.labels.clone(),
            web_url: format!("https://gitlab.example/-/merge_requests/{}", mr.iid),
            created_at: mr.created_at,
            detailed_merge_status: None,
            pipeline: status.map(|status| PipelineFact {
                status: status.into(),
                web_url: None,
                sha: mr.sha.as_deref().and_then(CommitSha::parse),
                git_ref: None,
            }),
            closed_by: mr.closed.map(|(_, user)| UserId(user)),
            ended_at: ended.map(|(at, _)| at),
        }
    }

    fn all(&self) -> Vec<MergeRequestFact> {
        self.project.merge_requests().iter().map(|mr| self.fact(mr)).collect()
    }

    /// Those that are over, newest first.
    fn past_of(&self, all: Vec<MergeRequestFact>) -> Vec<PastMergeRequest> {
        let over = all.into_iter().rev().filter(|mr| mr.state != MrState::Opened);
        let past = over.map(|mr| {
            let tip = mr.sha.as_ref().map(|tip| self.detail(tip.as_str()));
            let closed_by_bot = mr.closed_by == Some(UserId(self.bot));
            PastMergeRequest { mr, tip, closed_by_bot }
        });
        past.collect()
    }

    fn from(&self, branch: &str) -> Vec<MergeRequestFact> {
        let mut all = self.all();
        all.retain(|mr| mr.source_branch == branch);
        all
    }
}

#[async_trait]
impl Commits for Forge {
    async fn commit(&self, url: &RepoUrl, _git_ref: &str) -> Result<CommitFact, Failure> {
        let commit = self.facts.lock().unwrap().commits.get(url.as_str()).map(|commit| sha(commit));
        let sha = commit.ok_or_else(|| Failure::new("no such repository"))?;
        Ok(CommitFact { sha, committed_at: None, subject: None })
    }
}

#[async_trait]
impl StateStore for Forge {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.facts.lock().unwrap().records.get(key).cloned())
    }

    async fn put(&self, _key: &str, _bytes: Vec<u8>) -> Result<(), StateError> {
        Ok(())
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}

#[async_trait]
impl SloSource for Forge {
    async fn value(&self, _url: &str, _expression: &str) -> Result<f64, Failure> {
        Err(Failure::new("there are no SLOs"))
    }
}

#[async_trait]
impl BranchReader for Forge {
    async fn branches(
        &self,
        prefixes: &[String],
        _target_branch: &str,
    ) -> Result<Vec<Branch>, Failure> {
        let branches = self.project.branches().into_iter();
        let own = branches
            .filter(|(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .map(|(name, tip)| {
                let tip = self.detail(&tip);
                let content = Lookup::Found(self.content(&tip));
                Branch { name, tip, content }
            });
        Ok(own.collect())
    }

    async fn file(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, Failure> {
        let bytes = self.project.file(commit.as_str(), path.as_str());
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

#[async_trait]
impl ForgeReader for Forge {
    fn within(&self, _deadline: &Deadline) -> Box<dyn ForgeReader + '_> {
        Box::new(self.clone())
    }

    fn noting(&self, _waits: &Waits) -> Box<dyn ForgeReader + '_> {
        Box::new(self.clone())
    }

    async fn open_merge_requests(&self) -> Result<Vec<MergeRequestFact>, Failure> {
        let open = self.project.open_merge_requests();
        Ok(open.iter().map(|mr| self.fact(mr)).collect())
    }

    async fn merge_requests_beside(
        &self,
        _open: &[MergeRequestFact],
        _branches: &BTreeSet<&str>,
        _target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        Ok(Vec::new())
    }

    async fn merge_requests_being_merged(
        &self,
        _target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        Ok(Vec::new())
    }

    async fn past_merge_requests(
        &self,
        branch: &str,
        _bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<PastMergeRequest>, Vec<MergeRequestFact>), Failure> {
        Ok((self.past_of(self.from(branch)), Vec::new()))
    }

    /// The target branch's own pipelines are not modelled.
    async fn finished_pipeline(&self, _branch: &str) -> Result<Option<PipelineFact>, Failure> {
        Ok(None)
    }

    async fn newest_with_text(
        &self,
        text: &str,
        _bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<MergeRequestFact>, bool), Failure> {
        let mut found = self.all();
        found.retain(|mr| mr.description.contains(text));
        let newest = found.split_off(found.len().saturating_sub(100));
        Ok((newest, found.is_empty()))
    }

    async fn past_with_text(
        &self,
        text: &str,
        _bots: &BTreeSet<UserId>,
    ) -> Result<Vec<PastMergeRequest>, Failure> {
        let mut found = self.all();
        found.retain(|mr| mr.description.contains(text));
        Ok(self.past_of(found))
    }

    async fn newest_mr(
        &self,
        branch: &str,
        _bots: &BTreeSet<UserId>,
    ) -> Result<Option<MrIid>, Failure> {
        Ok(self.from(branch).last().map(|mr| mr.iid))
    }

    async fn mr(&self, iid: MrIid) -> Result<MergeRequestFact, Failure> {
        let mr = self.project.merge_request(iid.number());
        mr.map(|mr| self.fact(&mr)).ok_or_else(|| Failure::new("no such request"))
    }

    async fn label_events(&self, _iid: MrIid) -> Result<Vec<LabelEvent>, Failure> {
        Ok(Vec::new())
    }

    async fn reverts_of(
        &self,
        _gone: &GoneMerge,
        _by: &BTreeSet<UserId>,
    ) -> Result<Vec<MrIid>, Failure> {
        Ok(Vec::new())
    }

    async fn has_open_mr(&self, branch: &str) -> Result<bool, Failure> {
        Ok(self.from(branch).iter().any(|mr| mr.state == MrState::Opened))
    }

    async fn notes_of(
        &self,
        _iid: MrIid,
        _bots: &BTreeSet<UserId>,
    ) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    async fn branch_tip(&self, branch: &str) -> Result<Option<CommitDetail>, Failure> {
        Ok(self.project.tip(branch).map(|tip| self.detail(&tip)))
    }
}

#[async_trait]
impl ForgeWriter for Forge {
    fn noting(&self, _waits: &Waits) -> Box<dyn ForgeWriter + '_> {
        Box::new(self.clone())
    }

    async fn wait_for(&self, _counted: Counted) -> LimitSlot {
        LimitSlot::NOT_COUNTED
    }

    async fn back_off(&self, _attempts: u32) {}

    async fn commit(
        &self,
        commit: &NewCommit,
        _repeated: bool,
    ) -> Result<Attempt<CommitOutcome>, Failure> {
        let change =
            |file: &NewFile| (file.path.to_string(), Some(file.content.as_bytes().to_vec()));
        let (start, changes) = (Some(commit.start.as_str()), commit.files.iter().map(change));
        let made = self.project.commit_from(BOT, &commit.branch, start, &commit.message, changes);
        Ok(Attempt::Done(CommitOutcome::Done(sha(&made))))
    }

    async fn open(
        &self,
        mr: &NewMergeRequest,
        _repeated: bool,
    ) -> Result<Attempt<OpenOutcome>, Failure> {
        let NewMergeRequest { source_branch, target_branch, title, description, labels, .. } = mr;
        let opened =
            self.project.open_merge_request(BOT, source_branch, target_branch, title, description);
        let iid = opened.map_err(Failure::new)?;
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        self.project.set_labels(BOT, iid, &names, &[]);
        let (web_url, labels) = (String::new(), labels.clone());
        Ok(Attempt::Done(OpenOutcome::Opened { iid: MrIid(iid), web_url, sha: None, labels }))
    }

    async fn change(
        &self,
        iid: MrIid,
        change: &MergeRequestChange,
    ) -> Result<Attempt<()>, Failure> {
        if let Some(title) = &change.title {
            self.project.set_title(BOT, iid.number(), title);
        }
        if let Some(description) = &change.description {
            self.project.set_description(BOT, iid.number(), description);
        }
        let names = |labels| BTreeSet::iter(labels).map(String::as_str).collect::<Vec<&str>>();
        self.project.set_labels(
            BOT,
            iid.number(),
            &names(&change.add_labels),
            &names(&change.remove_labels),
        );
        if change.close {
            self.project.close(BOT, iid.number());
        }
        Ok(Attempt::Done(()))
    }

    async fn comment(&self, iid: MrIid, body: &str) -> Result<Attempt<()>, Failure> {
        self.project.comment(BOT, iid.number(), body);
        Ok(Attempt::Done(()))
    }

    async fn delete_branch(&self, branch: &str) -> Result<Attempt<()>, Failure> {
        self.project.delete_branch(BOT, branch);
        Ok(Attempt::Done(()))
    }
}
