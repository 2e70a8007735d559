//! Two runs at once that take turns at every merge request, in an order that a seed decides: a failing
//! world plays again.

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use fastrand::Rng;
use sapm::clients::gitlab::{GitLabReader, GitLabWriter};
use sapm::domain::{CommitSha, MrIid, RepoPath, UserId};
use sapm::ports::{
    Attempt, Branch, BranchReader, CommitOutcome, Counted, Deadline, ForgeReader, ForgeWriter,
    GoneMerge, LimitSlot, MergeRequestChange, NewCommit, NewMergeRequest, OpenOutcome, Waits,
};
use sapm::snapshot::{
    CommitDetail, Failure, LabelEvent, MergeRequestFact, PastMergeRequest, PipelineFact,
};
use tokio::sync::Notify;

struct State {
    rng: Rng,
    live: [bool; 2],
    waiting: [bool; 2],
    told: String,
}

/// Whose turn it is.
pub struct Turns {
    state: Mutex<State>,
    go: [Notify; 2],
}

impl Turns {
    pub fn new(seed: u64) -> Self {
        let (live, waiting) = ([true; 2], [false; 2]);
        let state = State { rng: Rng::with_seed(seed), live, waiting, told: String::new() };
        Self { state: Mutex::new(state), go: [Notify::new(), Notify::new()] }
    }

    /// The order so far.
    pub fn told(&self) -> String {
        self.state.lock().unwrap().told.clone()
    }

    /// Waits until it is this run's turn; until its next one it is alone.
    async fn take(&self, run: usize) {
        self.change(|state| state.waiting[run] = true);
        self.go[run].notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap();
        change(&mut state);
        let live: Vec<usize> = (0..2).filter(|&run| state.live[run]).collect();
        if live.iter().all(|&run| state.waiting[run])
            && let Some(&next) = state.rng.choice(&live)
        {
            state.waiting[next] = false;
            state.told.push(if next == 0 { '1' } else { '2' });
            self.go[next].notify_one();
        }
    }
}

/// A run's place among those that take turns; it leaves when it ends.
pub struct Turn<'a> {
    turns: &'a Turns,
    run: usize,
    /// What a run asks side by side it does one after the other, each in a turn.
    at_once: tokio::sync::Mutex<()>,
}

impl<'a> Turn<'a> {
    pub fn new(turns: &'a Turns, run: usize) -> Self {
        Self { turns, run, at_once: tokio::sync::Mutex::new(()) }
    }

    pub async fn take(&self) {
        self.turns.take(self.run).await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.change(|state| state.live[self.run] = false);
    }
}

/// Waits for its turn before every call.
pub struct InTurn<'a, T> {
    pub inner: T,
    pub turn: Option<&'a Turn<'a>>,
}

/// The turn of one call, until it is answered.
struct Held<'a, T> {
    inner: &'a T,
    _at_once: Option<tokio::sync::MutexGuard<'a, ()>>,
}

impl<T> std::ops::Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inner
    }
}

impl<T> InTurn<'_, T> {
    async fn next(&self) -> Held<'_, T> {
        let Some(turn) = self.turn else { return Held { inner: &self.inner, _at_once: None } };
        let at_once = turn.at_once.lock().await;
        turn.take().await;
        Held { inner: &self.inner, _at_once: Some(at_once) }
    }
}

#[async_trait]
impl ForgeReader for InTurn<'_, GitLabReader> {
    fn within(&self, _deadline: &Deadline) -> Box<dyn ForgeReader + '_> {
        Box::new(Self { inner: self.inner.clone(), turn: self.turn })
    }

    fn noting(&self, waits: &Waits) -> Box<dyn ForgeReader + '_> {
        Box::new(Self { inner: self.inner.noting(waits), turn: self.turn })
    }

    async fn open_merge_requests(&self) -> Result<Vec<MergeRequestFact>, Failure> {
        self.next().await.open_merge_requests().await
    }

    async fn merge_requests_beside(
        &self,
        open: &[MergeRequestFact],
        branches: &BTreeSet<&str>,
        target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        self.next().await.merge_requests_beside(open, branches, target_branch).await
    }

    async fn merge_requests_being_merged(
        &self,
        target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        self.next().await.merge_requests_being_merged(target_branch).await
    }

    async fn past_merge_requests(
        &self,
        branch: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<PastMergeRequest>, Vec<MergeRequestFact>), Failure> {
        self.next().await.past_merge_requests(branch, bots).await
    }

    async fn finished_pipeline(&self, branch: &str) -> Result<Option<PipelineFact>, Failure> {
        self.next().await.finished_pipeline(branch).await
    }

    async fn newest_with_text(
        &self,
        text: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<MergeRequestFact>, bool), Failure> {
        self.next().await.newest_with_text(text, bots).await
    }

    async fn past_with_text(
        &self,
        text: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<Vec<PastMergeRequest>, Failure> {
        self.next().await.past_with_text(text, bots).await
    }

    async fn newest_mr(
        &self,
        branch: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<Option<MrIid>, Failure> {
        self.next().await.newest_mr(branch, bots).await
    }

    async fn mr(&self, iid: MrIid) -> Result<MergeRequestFact, Failure> {
        self.next().await.mr(iid).await
    }

    async fn has_open_mr(&self, branch: &str) -> Result<bool, Failure> {
        self.next().await.has_open_mr(branch).await
    }

    async fn notes_of(&self, iid: MrIid, bots: &BTreeSet<UserId>) -> Result<Vec<String>, Failure> {
        self.next().await.notes_of(iid, bots).await
    }

    async fn label_events(&self, iid: MrIid) -> Result<Vec<LabelEvent>, Failure> {
        self.next().await.label_events(iid).await
    }

    async fn reverts_of(
        &self,
        gone: &GoneMerge,
        by: &BTreeSet<UserId>,
    ) -> Result<Vec<MrIid>, Failure> {
        self.next().await.reverts_of(gone, by).await
    }

    async fn branch_tip(&self, branch: &str) -> Result<Option<CommitDetail>, Failure> {
        self.next().await.branch_tip(branch).await
    }
}

#[async_trait]
impl<T: BranchReader> BranchReader for InTurn<'_, T> {
    async fn branches(
        &self,
        prefixes: &[String],
        target_branch: &str,
    ) -> Result<Vec<Branch>, Failure> {
        self.next().await.branches(prefixes, target_branch).await
    }

    async fn file(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, Failure> {
        self.next().await.file(commit, path).await
    }
}

#[async_trait]
impl ForgeWriter for InTurn<'_, GitLabWriter> {
    fn noting(&self, waits: &Waits) -> Box<dyn ForgeWriter + '_> {
        Box::new(Self { inner: self.inner.noting(waits), turn: self.turn })
    }

    async fn wait_for(&self, counted: Counted) -> LimitSlot {
        self.next().await.wait_for(counted).await
    }

    async fn back_off(&self, attempts: u32) {
        self.inner.back_off(attempts).await;
    }

    async fn commit(
        &self,
        commit: &NewCommit,
        repeated: bool,
    ) -> Result<Attempt<CommitOutcome>, Failure> {
        self.next().await.commit(commit, repeated).await
    }

    async fn open(
        &self,
        mr: &NewMergeRequest,
        repeated: bool,
    ) -> Result<Attempt<OpenOutcome>, Failure> {
        self.next().await.open(mr, repeated).await
    }

    async fn change(
        &self,
        iid: MrIid,
        change: &MergeRequestChange,
    ) -> Result<Attempt<()>, Failure> {
        self.next().await.change(iid, change).await
    }

    async fn comment(&self, iid: MrIid, body: &str) -> Result<Attempt<()>, Failure> {
        self.next().await.comment(iid, body).await
    }

    async fn delete_branch(&self, branch: &str) -> Result<Attempt<()>, Failure> {
        self.next().await.delete_branch(branch).await
    }
}
