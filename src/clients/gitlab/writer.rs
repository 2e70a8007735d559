//! Writing to the config repo: commits, merge requests, comments, branches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gitlab::api::projects::merge_requests::notes::CreateMergeRequestNote;

use super::TOKEN_VARIABLE;
use super::api::GitLabApi;
use super::connect::Project;
use super::endpoints::DeleteBranch;
use super::idempotent_writes::is_unclear;
use super::lookups::{is_missing, unbuilt};
use super::refusals::refused_by_others;
use crate::clients::http::{HttpError, HttpErrorKind, Window};
use crate::domain::MrIid;
use crate::ports::{
    Attempt, CommitOutcome, Counted, ForgeWriter, LimitSlot, MergeRequestChange, NewCommit,
    NewMergeRequest, OpenOutcome, Waits,
};
use crate::snapshot::Failure;

/// GitLab's limits on writes, and who commits.
#[derive(Debug, Clone)]
pub struct WriterConfig {
    /// Writes that start a request's pipeline, per minute: requests opened, and commits that replace
    /// what is on a branch (which may have an open request).
    ///
    /// GitLab has two limits, and silently starts no pipeline above them. The one for a project, a user
    /// and a commit together (25 on GitLab.com) is never met: a commit of the bot gets two at most, as
    /// the commit that makes a branch may start one of its own. The one for a user is off by default,
    /// and 2,000 on GitLab.com.
    pub pipelines_per_minute: usize,
    /// Comments per minute. GitLab.com takes 60.
    pub notes_per_minute: usize,
    /// The span that the two count in; a minute but for tests.
    pub minute: Duration,
    /// How many jobs write to this project at once: each takes its part of the limits, which are
    /// the project's and the user's.
    pub nodes: usize,
    /// Author of the commits (name, address); without it the token's user.
    pub author: Option<(String, String)>,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self {
            pipelines_per_minute: 300,
            notes_per_minute: 60,
            minute: Duration::from_secs(60),
            nodes: 1,
            author: None,
        }
    }
}

impl WriterConfig {
    /// This job's part of so many a minute; with more jobs than that, one in several minutes.
    fn window(&self, per_minute: usize) -> Window {
        let (limit, minutes) = self.part_of(per_minute);
        Window::new(limit, self.minute * u32::try_from(minutes).unwrap_or(u32::MAX))
    }

    /// How many writes in how many minutes.
    fn part_of(&self, per_minute: usize) -> (usize, usize) {
        let (limit, nodes) = (per_minute.max(1), self.nodes.max(1));
        let minutes = nodes.div_ceil(limit);
        (limit * minutes / nodes, minutes)
    }
}

/// The config repo's project, writable. Only ever constructed by a run that may write.
#[derive(Debug, Clone)]
pub struct GitLabWriter {
    pub(super) api: GitLabApi,
    pub(super) project: u64,
    pub(super) author: Option<(String, String)>,
    pub(super) pipelines: Arc<Window>,
    pub(super) notes: Arc<Window>,
}

impl GitLabWriter {
    /// A writer for the project.
    pub fn new(api: GitLabApi, project: &Project, config: WriterConfig) -> Self {
        Self {
            api,
            project: project.id,
            pipelines: Arc::new(config.window(config.pipelines_per_minute)),
            notes: Arc::new(config.window(config.notes_per_minute)),
            author: config.author,
        }
    }

    /// The same, which notes here how long it waited.
    #[must_use]
    pub fn noting(&self, waits: &Waits) -> Self {
        Self { api: self.api.noting(waits), ..self.clone() }
    }

    /// How long it waited so far, for places in limits and because GitLab asked for it.
    pub fn waited(&self) -> Duration {
        self.api.service().waited()
    }

    /// The failure of a write; for a refused one also which right is missing.
    pub(super) fn failure(&self, what: &str, error: &HttpError) -> Failure {
        let shared = self.api.failure(error);
        if shared.shared_cause.is_some() || error.kind() != HttpErrorKind::Forbidden {
            return shared;
        }
        if let Some(why) = refused_by_others(error) {
            return Failure::new(format!("{why}: {error}"));
        }
        Failure::new(format!(
            "may not {what}: the token in {TOKEN_VARIABLE} needs the scope api and the role Developer or \
             higher, and the branch must not be protected against it: {error}"
        ))
    }

    /// A failed write: one that GitLab asks to come later with, that did not reach it, that met somebody else's
    /// lock, or that may have taken effect all the same, may be tried again.
    pub(super) fn again_or<T>(&self, what: &str, error: &HttpError) -> Result<Attempt<T>, Failure> {
        let failure = self.failure(what, error);
        let unclear = is_unclear(error);
        let later = matches!(
            error.kind(),
            HttpErrorKind::RateLimited | HttpErrorKind::Connect | HttpErrorKind::Conflict
        );
        if unclear || later { Ok(Attempt::Again { failure, unclear }) } else { Err(failure) }
    }
}

#[async_trait]
impl ForgeWriter for GitLabWriter {
    fn noting(&self, waits: &Waits) -> Box<dyn ForgeWriter + '_> {
        Box::new(self.noting(waits))
    }

    async fn wait_for(&self, counted: Counted) -> LimitSlot {
        let window = match counted {
            Counted::Pipeline => &self.pipelines,
            Counted::Comment => &self.notes,
        };
        let (reserved, waited) = Window::reserve(window).await;
        self.api.service().has_waited(waited);
        LimitSlot::new(reserved)
    }

    async fn back_off(&self, attempts: u32) {
        self.api.service().back_off(attempts).await;
    }

    async fn commit(
        &self,
        commit: &NewCommit,
        repeated: bool,
    ) -> Result<Attempt<CommitOutcome>, Failure> {
        self.commit_once_in_effect(commit, repeated).await
    }

    async fn open(
        &self,
        request: &NewMergeRequest,
        repeated: bool,
    ) -> Result<Attempt<OpenOutcome>, Failure> {
        self.open_once_in_effect(request, repeated).await
    }

    async fn change(
        &self,
        iid: MrIid,
        change: &MergeRequestChange,
    ) -> Result<Attempt<()>, Failure> {
        if *change == MergeRequestChange::default() {
            return Ok(Attempt::Done(()));
        }
        self.change_once_in_effect(iid, change).await
    }

    async fn comment(&self, iid: MrIid, body: &str) -> Result<Attempt<()>, Failure> {
        let endpoint = CreateMergeRequestNote::builder()
            .project(self.project)
            .merge_request(iid.number())
            .body(body)
            .build()
            .map_err(unbuilt)?;
        let answer = self.api.without_waiting().done(&endpoint).await;
        self.notes.count();
        answer
            .map(Attempt::Done)
            .or_else(|error| self.again_or(&format!("comment on merge request {iid}"), &error))
    }

    async fn delete_branch(&self, branch: &str) -> Result<Attempt<()>, Failure> {
        let endpoint = DeleteBranch { project: self.project, branch };
        match self.api.without_waiting().done(&endpoint).await {
            Err(error) if is_missing(&error) => Ok(Attempt::Done(())),
            Ok(()) => Ok(Attempt::Done(())),
            Err(error) => self.again_or("delete the branch", &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_together_keep_the_limits() {
        for nodes in 1..=200 {
            let config = WriterConfig { nodes, ..WriterConfig::default() };
            for per_minute in [1, 60, 300] {
                let (limit, minutes) = config.part_of(per_minute);
                assert!(limit >= 1 && limit * nodes <= per_minute * minutes, "{nodes} nodes");
            }
        }
        assert_eq!(WriterConfig::default().part_of(300), (300, 1));
    }
}
