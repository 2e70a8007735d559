//! Lookups shared by reader and writer.

use gitlab::api::common::SortOrder;
use gitlab::api::projects::merge_requests::MergeRequest;
use gitlab::api::projects::merge_requests::notes::MergeRequestNotes;
use gitlab::api::projects::repository::branches::Branch;
use gitlab::api::projects::repository::commits::Commit;

use super::api::GitLabApi;
use super::commits::{Missing, missing};
use super::responses::{BranchAnswer, CommitAnswer, NoteAnswer, RequestAnswer};
use crate::clients::http::{HttpError, HttpErrorKind};
use crate::domain::{CommitSha, MrIid};
use crate::snapshot::{CommitDetail, Failure, MergeRequestFact};

/// All comments on a merge request, newest first.
pub(super) async fn notes(
    api: &GitLabApi,
    project: u64,
    iid: MrIid,
) -> Result<Vec<NoteAnswer>, HttpError> {
    let mut builder = MergeRequestNotes::builder();
    builder.project(project).merge_request(iid.number()).sort(SortOrder::Descending);
    match builder.build() {
        Ok(endpoint) => api.list(&endpoint).await,
        Err(_) => Ok(Vec::new()),
    }
}

/// The current state of a merge request.
pub(super) async fn request(
    api: &GitLabApi,
    project: u64,
    iid: MrIid,
) -> Result<MergeRequestFact, Failure> {
    let endpoint = MergeRequest::builder()
        .project(project)
        .merge_request(iid.number())
        .build()
        .map_err(unbuilt)?;
    let answer: Result<RequestAnswer, HttpError> = api.json(&endpoint).await;
    answer.map(RequestAnswer::into_fact).map_err(|error| api.failure(&error))
}

/// Tip of a branch, `None` if there is no such branch.
pub(super) async fn branch_tip(
    api: &GitLabApi,
    project: u64,
    branch: &str,
) -> Result<Option<CommitDetail>, Failure> {
    let endpoint = Branch::builder().project(project).branch(branch).build().map_err(unbuilt)?;
    let answer: Result<BranchAnswer, HttpError> = api.json(&endpoint).await;
    match answer {
        Ok(branch) => Ok(branch.commit.into_detail()),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(api.failure(&error)),
    }
}

/// Is it a 404 from GitLab itself (JSON, not from a proxy) for something in the project?
pub(super) fn is_missing(error: &HttpError) -> bool {
    error.kind() == HttpErrorKind::NotFound
        && is_json(error.body())
        && !matches!(missing(error.body()), Missing::Project)
}

fn is_json(body: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}

/// An endpoint that lacks a field. This cannot happen.
pub(super) fn unbuilt(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("cannot build a request to GitLab: {error}"))
}

/// Is it a 404 from GitLab itself (JSON) for the file, not for the project or the commit?
pub(super) fn is_missing_file(error: &HttpError) -> bool {
    is_missing(error) && matches!(missing(error.body()), Missing::Unclear)
}

/// A commit, `None` if it no longer exists.
pub(super) async fn commit_detail(
    api: &GitLabApi,
    project: u64,
    sha: &CommitSha,
) -> Result<Option<CommitDetail>, Failure> {
    commit_at(api, project, sha.as_str()).await
}

/// The commit that a branch, tag or id names, `None` if there is none.
pub(super) async fn commit_at(
    api: &GitLabApi,
    project: u64,
    git_ref: &str,
) -> Result<Option<CommitDetail>, Failure> {
    let endpoint =
        Commit::builder().project(project).commit(git_ref).stats(false).build().map_err(unbuilt)?;
    let answer: Result<CommitAnswer, HttpError> = api.json(&endpoint).await;
    match answer {
        Ok(commit) => Ok(commit.into_detail()),
        Err(error) if error.kind() == HttpErrorKind::NotFound && is_json(error.body()) => Ok(None),
        Err(error) => Err(api.failure(&error)),
    }
}
