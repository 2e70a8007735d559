//! Writing to the config repo: commits, merge requests, comments, branches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gitlab::api::projects::merge_requests::{
    CreateMergeRequest, EditMergeRequest, MergeRequestStateEvent,
};

use super::TOKEN_VARIABLE;
use super::answers::RequestAnswer;
use super::api::GitLabApi;
use super::commits::{Missing, missing};
use super::connect::Project;
use super::endpoints::DeleteBranch;
use super::lookups::{request, unbuilt};
use crate::clients::http::{HttpError, HttpErrorKind, Window};
use crate::observe::ports::{
    Attempt, CommitOutcome, Counted, ForgeWriter, NewCommit, NewRequest, OpenOutcome, RequestChange,
};
use crate::snapshot::{Failure, MergeRequestFact, RequestState};

/// GitLab's limits on writes, and who commits.
#[derive(Debug, Clone)]
pub struct WriterConfig {
    /// Writes that start a request's pipeline, per minute: requests opened, and commits that replace
    /// what is on a branch (which may have an open request).
    ///
    /// GitLab.com starts 25 a minute for one project, user and commit together (GitLab's docs:
    /// "Rate limits on pipeline creation"), so over all commits this is stricter. The commit that
    /// makes a branch may start one more, where the config repo has pipelines for branches: that is
    /// of the same commit as the request's, two of 25, and not counted.
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
            pipelines_per_minute: 25,
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

    /// The failure of a write; for a refused one also which right is missing.
    pub(super) fn failure(&self, what: &str, error: &HttpError) -> Failure {
        let shared = self.api.failure(error);
        if shared.shared_cause.is_some() || error.kind() != HttpErrorKind::Forbidden {
            return shared;
        }
        Failure::new(format!(
            "may not {what}: the token in {TOKEN_VARIABLE} needs the scope api and the role Developer or \
             higher, and the branch must not be protected against it: {error}"
        ))
    }

    /// A failed write: one that GitLab asks to come later with may be tried again.
    pub(super) fn later_or<T>(&self, what: &str, error: &HttpError) -> Result<Attempt<T>, Failure> {
        let failure = self.failure(what, error);
        if error.kind() == HttpErrorKind::RateLimited {
            Ok(Attempt::Again { failure, unclear: false })
        } else {
            Err(failure)
        }
    }

    /// What a 409 means: somebody else's request, or the one that an attempt without an answer opened.
    async fn already_open(&self, wanted: &NewRequest, error: &HttpError) -> OpenOutcome {
        let Some(iid) = last_iid(error.body()) else { return OpenOutcome::AlreadyOpen(None) };
        let maybe_ours = error.attempts() > 1;
        let found =
            if maybe_ours { request(&self.api, self.project, iid).await.ok() } else { None };
        match found.filter(|found| is_same(wanted, found)) {
            Some(found) => opened(found),
            None => OpenOutcome::AlreadyOpen(Some(iid)),
        }
    }

    /// After failures that leave it open whether the request was opened: the open one, if any.
    async fn open_after_all(&self, wanted: &NewRequest) -> Option<OpenOutcome> {
        let found = self.open_from(&wanted.source_branch, &wanted.target_branch).await?;
        if is_same(wanted, &found) {
            Some(opened(found))
        } else {
            Some(OpenOutcome::AlreadyOpen(Some(found.iid)))
        }
    }
}

/// The iid that GitLab's 409 ends in: `…already exists for this source branch: !5`.
fn last_iid(body: &str) -> Option<u64> {
    let (_, after) = body.rsplit_once('!')?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn is_same(wanted: &NewRequest, found: &MergeRequestFact) -> bool {
    found.state == RequestState::Opened
        && found.source_branch == wanted.source_branch
        && found.target_branch == wanted.target_branch
        && found.title.trim() == wanted.title.trim()
        && found.description.trim() == wanted.description.trim()
}

fn opened(request: MergeRequestFact) -> OpenOutcome {
    OpenOutcome::Opened { iid: request.iid, web_url: request.web_url, sha: request.sha }
}

#[async_trait]
impl ForgeWriter for GitLabWriter {
    async fn wait_for(&self, counted: Counted) {
        let window = match counted {
            Counted::Pipeline => &self.pipelines,
            Counted::Comment => &self.notes,
        };
        self.api.service().has_waited(window.wait().await);
    }

    fn waited(&self) -> Duration {
        self.api.service().waited()
    }

    async fn commit(
        &self,
        commit: &NewCommit,
        repeated: bool,
    ) -> Result<Attempt<CommitOutcome>, Failure> {
        self.commit_once_in_effect(commit, repeated).await
    }

    async fn open(&self, request: &NewRequest) -> Result<Attempt<OpenOutcome>, Failure> {
        let mut builder = CreateMergeRequest::builder();
        builder
            .project(self.project)
            .source_branch(request.source_branch.as_str())
            .target_branch(request.target_branch.as_str())
            .title(request.title.as_str())
            .description(request.description.as_str())
            .remove_source_branch(true);
        if !request.labels.is_empty() {
            builder.labels(request.labels.iter().map(String::as_str));
        }
        let endpoint = builder.build().map_err(unbuilt)?;
        // Repeating is safe: a second open request of a branch is refused with 409.
        let api = self.api.not_after_a_pause().repeating_posts();
        let answer: Result<RequestAnswer, _> = api.json(&endpoint).await;
        self.pipelines.count();
        match answer {
            Ok(answer) => Ok(Attempt::Done(opened(answer.into_fact()))),
            Err(error) if error.kind() == HttpErrorKind::Conflict => {
                Ok(Attempt::Done(self.already_open(request, &error).await))
            }
            Err(error) => {
                let unclear = error.is_ambiguous() || error.kind() == HttpErrorKind::Other;
                let found = if unclear { self.open_after_all(request).await } else { None };
                found.map_or_else(
                    || self.later_or("open a merge request", &error),
                    |found| Ok(Attempt::Done(found)),
                )
            }
        }
    }

    async fn change(&self, iid: u64, change: &RequestChange) -> Result<Attempt<()>, Failure> {
        if *change == RequestChange::default() {
            return Ok(Attempt::Done(()));
        }
        let mut builder = EditMergeRequest::builder();
        builder.project(self.project).merge_request(iid);
        if let Some(title) = &change.title {
            builder.title(title.as_str());
        }
        if let Some(description) = &change.description {
            builder.description(description.as_str());
        }
        if change.close {
            builder.state_event(MergeRequestStateEvent::Close);
        }
        let endpoint = builder.build().map_err(unbuilt)?;
        match self.api.not_after_a_pause().done(&endpoint).await {
            Ok(()) => Ok(Attempt::Done(())),
            Err(error) => self.later_or(&format!("change merge request !{iid}"), &error),
        }
    }

    async fn comment(&self, iid: u64, body: &str) -> Result<Attempt<()>, Failure> {
        self.comment_once_in_effect(iid, body).await
    }

    async fn delete_branch(&self, branch: &str) -> Result<Attempt<()>, Failure> {
        let endpoint = DeleteBranch { project: self.project, branch };
        match self.api.not_after_a_pause().done(&endpoint).await {
            Err(error)
                if error.kind() == HttpErrorKind::NotFound
                    && !matches!(missing(error.body()), Missing::Project) =>
            {
                Ok(Attempt::Done(()))
            }
            Ok(()) => Ok(Attempt::Done(())),
            Err(error) => self.later_or("delete the branch", &error),
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
            for per_minute in [25, 60] {
                let (limit, minutes) = config.part_of(per_minute);
                assert!(limit >= 1 && limit * nodes <= per_minute * minutes, "{nodes} nodes");
            }
        }
        assert_eq!(WriterConfig::default().part_of(25), (25, 1));
    }

    #[test]
    fn the_iid_stands_at_the_end_of_the_message() {
        let body = r#"{"message":["Another open merge request already exists for this source branch: !1234"]}"#;
        assert_eq!(last_iid(body), Some(1234));
        assert_eq!(last_iid(r#"{"message":"conflict"}"#), None);
        assert_eq!(last_iid("!"), None);
    }
}
