//! Writes to the config repo: commits, merge requests, comments, branches.

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

/// GitLab's limits on writes, and the author of commits.
#[derive(Debug, Clone)]
pub struct WriterConfig {
    /// Writes per minute that start a merge request pipeline: opened merge requests, and commits that replace
    /// the content of a branch (which may have an open merge request).
    ///
    /// GitLab has two limits, above which it silently starts no pipeline. The one per project, user
    /// and commit together (25 on GitLab.com) is never reached: a commit of the bot gets at most two, because
    /// the commit that creates a branch may start one of its own. The one per user is off by default,
    /// and 2,000 on GitLab.com.
    pub pipelines_per_minute: usize,
    /// Comments per minute. GitLab.com allows 60.
    pub notes_per_minute: usize,
    /// The time span of both limits; a minute except in tests.
    pub minute: Duration,
    /// Number of jobs that write to this project in parallel. Each uses its part of the limits, which
    /// apply to the project and the user.
    pub nodes: usize,
    /// Author of the commits (name, email address); by default the token's user.
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
    /// This job's part of a limit per minute. With more jobs than that, one write in several minutes.
    fn window(&self, per_minute: usize) -> Window {
        let (limit, minutes) = self.part_of(per_minute);
        Window::new(limit, self.minute * u32::try_from(minutes).unwrap_or(u32::MAX))
    }

    /// The number of writes, and in how many minutes.
    fn part_of(&self, per_minute: usize) -> (usize, usize) {
        let (limit, nodes) = (per_minute.max(1), self.nodes.max(1));
        let minutes = nodes.div_ceil(limit);
        (limit * minutes / nodes, minutes)
    }
}

/// Writes to the config repo's project. Only created by a run that may write.
#[derive(Debug, Clone)]
pub struct GitLabWriter {
    pub(super) api: GitLabApi,
    pub(super) project: u64,
    pub(super) author: Option<(String, String)>,
    pub(super) pipelines: Arc<Window>,
    pub(super) notes: Arc<Window>,
}

impl GitLabWriter {
    /// Creates a writer for the project.
    pub fn new(api: GitLabApi, project: &Project, config: WriterConfig) -> Self {
        Self {
            api,
            project: project.id,
            pipelines: Arc::new(config.window(config.pipelines_per_minute)),
            notes: Arc::new(config.window(config.notes_per_minute)),
            author: config.author,
        }
    }

    /// Records waiting times here.
    #[must_use]
    pub fn noting(&self, waits: &Waits) -> Self {
        Self { api: self.api.noting(waits), ..self.clone() }
    }

    /// Total time spent waiting for its own limits and for pauses that GitLab requested.
    pub fn waited(&self) -> Duration {
        self.api.service().waited()
    }

    /// The failure of a write. For a refused one, names the missing right.
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

    /// Decides about a failed write: it may be tried again if GitLab requests a pause, it did not reach GitLab,
    /// somebody else holds a lock, or it may have taken effect.
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
