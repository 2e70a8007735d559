//! Writes that must not happen twice: after a failure that may have taken effect,
//! GitLab's state is checked first.

use gitlab::api::projects::merge_requests::{
    CreateMergeRequest, EditMergeRequest, MergeRequestState, MergeRequestStateEvent, MergeRequests,
};

use super::endpoints::{CreateCommit, OpenMergeRequest};
use super::lookups::{branch_tip, request, unbuilt};
use super::refusals::{is_push_rule, is_unseen_branch, option_for};
use super::responses::{CommitAnswer, RequestAnswer};
use super::writer::GitLabWriter;
use crate::clients::http::{HttpError, HttpErrorKind};
use crate::domain::{CommitSha, MrIid};
use crate::ports::{
    Attempt, CommitOutcome, MergeRequestChange, NewCommit, NewMergeRequest, OpenOutcome,
};
use crate::snapshot::{CommitDetail, Failure, MergeRequestFact, MrState};

impl GitLabWriter {
    pub(super) async fn commit_once_in_effect(
        &self,
        commit: &NewCommit,
        repeated: bool,
    ) -> Result<Attempt<CommitOutcome>, Failure> {
        let author = self.author.as_ref();
        let endpoint = CreateCommit { project: self.project, commit, author };
        let answer: Result<CommitAnswer, HttpError> =
            self.api.without_waiting().json(&endpoint).await;
        if commit.replaces.is_some() {
            self.pipelines.count();
        }
        let error = match answer {
            Ok(answer) => match answer.into_detail() {
                Some(detail) => return Ok(Attempt::Done(CommitOutcome::Done(detail.sha))),
                None => return self.landed_or(commit, "GitLab's response has no commit").await,
            },
            Err(error) => error,
        };
        let exists = is_branch_exists(&error);
        if !exists && !is_unclear(&error) {
            return self.refused_commit(commit, &error).await;
        }
        let tip = match branch_tip(&self.api, self.project, &commit.branch).await {
            Ok(tip) => tip,
            Err(_) => return Err(self.failure("commit", &error)),
        };
        // Before any unclear attempt, somebody else created the branch, even if its commit is the same.
        let may_be_ours = repeated || !exists;
        match tip {
            Some(tip) if may_be_ours && is_commit(commit, &tip) => {
                Ok(Attempt::Done(CommitOutcome::Done(tip.sha)))
            }
            Some(_) if exists => Ok(Attempt::Done(CommitOutcome::BranchExists)),
            None if exists => self.refused_commit(commit, &error).await,
            _ => self.again_or("commit", &error),
        }
    }

    /// Checks whether GitLab rejects the bot's other commits for the same reason.
    async fn refused_commit<T>(
        &self,
        commit: &NewCommit,
        error: &HttpError,
    ) -> Result<Attempt<T>, Failure> {
        if is_push_rule(error) {
            return Ok(Attempt::NoCommits(Failure::shared(format!(
                "a push rule of the project rejects the bot's commits ({}): {}, or change the rule (Settings > \
                 Repository > Push rules)",
                error.detail(),
                option_for(error)
            ))));
        }
        let folder = commit.branch.split('/').next().unwrap_or_default();
        let makes_branch = commit.replaces.is_none() && folder != commit.branch;
        let invalid = matches!(error.kind(), HttpErrorKind::Invalid | HttpErrorKind::Conflict);
        if makes_branch
            && invalid
            && branch_tip(&self.api, self.project, folder).await.is_ok_and(|tip| tip.is_some())
        {
            return Ok(Attempt::NoCommits(Failure::shared(format!(
                "the branch {folder} prevents the bot's branches {folder}/…: rename or delete it \
                 ({})",
                error.detail()
            ))));
        }
        self.again_or("commit", error)
    }

    /// The branch's tip, if it is this commit.
    async fn landed(&self, commit: &NewCommit) -> Result<Option<CommitSha>, Failure> {
        let tip = branch_tip(&self.api, self.project, &commit.branch).await?;
        Ok(tip.filter(|tip| is_commit(commit, tip)).map(|tip| tip.sha))
    }

    async fn landed_or(
        &self,
        commit: &NewCommit,
        why: &str,
    ) -> Result<Attempt<CommitOutcome>, Failure> {
        match self.landed(commit).await? {
            Some(sha) => Ok(Attempt::Done(CommitOutcome::Done(sha))),
            None => Err(Failure::new(why)),
        }
    }

    pub(super) async fn open_once_in_effect(
        &self,
        wanted: &NewMergeRequest,
        repeated: bool,
    ) -> Result<Attempt<OpenOutcome>, Failure> {
        let mut builder = CreateMergeRequest::builder();
        builder
            .project(self.project)
            .source_branch(wanted.source_branch.as_str())
            .target_branch(wanted.target_branch.as_str())
            .title(wanted.title.as_str())
            .description(wanted.description.as_str())
            .remove_source_branch(true);
        if !wanted.labels.is_empty() {
            builder.labels(wanted.labels.iter().map(String::as_str));
        }
        let fields = builder.build().map_err(unbuilt)?;
        let endpoint = OpenMergeRequest { fields, reviewers: &wanted.reviewers };
        let answer: Result<RequestAnswer, _> = self.api.without_waiting().json(&endpoint).await;
        self.pipelines.count();
        let error = match answer {
            Ok(answer) => return Ok(Attempt::Done(report_opened(answer.into_fact()))),
            Err(error) => error,
        };
        let what = "open a merge request";
        if error.status() == Some(400) && self.is_branch_gone(&wanted.source_branch).await? {
            return Ok(Attempt::Done(OpenOutcome::BranchGone));
        }
        if is_unseen_branch(&error) {
            return Ok(Attempt::NotYet(Failure::new(format!(
                "GitLab does not find branches that exist, and opens no merge requests from them \
                 ({}); the next run opens them",
                error.detail()
            ))));
        }
        // A 409 may mean somebody else's merge request, the one that an attempt without a response opened, or a lock.
        let conflict = error.kind() == HttpErrorKind::Conflict;
        if !conflict && !is_unclear(&error) {
            return self.again_or(what, &error);
        }
        let may_be_ours = repeated || !conflict;
        match self.open_from(&wanted.source_branch, &wanted.target_branch).await {
            Ok(Some(found)) if may_be_ours && is_same(wanted, &found) => {
                Ok(Attempt::Done(report_opened(found)))
            }
            Ok(Some(found)) => Ok(Attempt::Done(OpenOutcome::AlreadyOpen(found.iid))),
            Ok(None) => self.again_or(what, &error),
            Err(_) => Err(self.failure(what, &error)),
        }
    }

    /// Checks whether a branch exists from which GitLab does not open a merge request.
    async fn is_branch_gone(&self, branch: &str) -> Result<bool, Failure> {
        Ok(branch_tip(&self.api, self.project, branch).await?.is_none())
    }

    pub(super) async fn change_once_in_effect(
        &self,
        iid: MrIid,
        change: &MergeRequestChange,
    ) -> Result<Attempt<()>, Failure> {
        let mut builder = EditMergeRequest::builder();
        builder.project(self.project).merge_request(iid.number());
        if let Some(title) = &change.title {
            builder.title(title.as_str());
        }
        if let Some(description) = &change.description {
            builder.description(description.as_str());
        }
        for label in &change.add_labels {
            builder.add_label(label.as_str());
        }
        for label in &change.remove_labels {
            builder.remove_label(label.as_str());
        }
        if change.close {
            builder.state_event(MergeRequestStateEvent::Close);
        }
        let endpoint = builder.build().map_err(unbuilt)?;
        let answer = self.api.without_waiting().done(&endpoint).await;
        let Err(error) = answer else { return Ok(Attempt::Done(())) };
        let what = format!("change merge request {iid}");
        if !is_unclear(&error) {
            return self.again_or(&what, &error);
        }
        match request(&self.api, self.project, iid).await {
            Ok(now) if is_in_effect(change, &now) => Ok(Attempt::Done(())),
            Ok(_) => self.again_or(&what, &error),
            Err(_) => Err(self.failure(&what, &error)),
        }
    }

    /// The open merge request between two branches, if there is one.
    async fn open_from(
        &self,
        source: &str,
        target: &str,
    ) -> Result<Option<MergeRequestFact>, Failure> {
        let endpoint = MergeRequests::builder()
            .project(self.project)
            .state(MergeRequestState::Opened)
            .source_branch(source)
            .target_branch(target)
            .build()
            .map_err(unbuilt)?;
        let answers = self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        let mut own = answers
            .into_iter()
            .filter(|answer: &RequestAnswer| answer.is_from_project(self.project));
        Ok(own.next().map(RequestAnswer::into_fact))
    }
}

/// May it have taken effect? True also if the response could not be read.
pub(super) fn is_unclear(error: &HttpError) -> bool {
    error.is_ambiguous() || (error.kind() == HttpErrorKind::Other && error.status().is_none())
}

/// 400 `A branch called '…' already exists. Switch to that branch in order to make changes`.
fn is_branch_exists(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    matches!(error.kind(), HttpErrorKind::Invalid | HttpErrorKind::Conflict)
        && body.contains("branch")
        && body.contains("already exists")
}

/// Is the tip exactly the wanted commit?
fn is_commit(wanted: &NewCommit, tip: &CommitDetail) -> bool {
    tip.message.trim() == wanted.message.trim() && tip.parents == [wanted.start.clone()]
}

fn is_same(wanted: &NewMergeRequest, found: &MergeRequestFact) -> bool {
    found.state == MrState::Opened
        && found.source_branch == wanted.source_branch
        && found.target_branch == wanted.target_branch
        && found.title.trim() == wanted.title.trim()
        && found.description.trim() == wanted.description.trim()
}

fn report_opened(request: MergeRequestFact) -> OpenOutcome {
    let MergeRequestFact { iid, web_url, sha, labels, .. } = request;
    OpenOutcome::Opened { iid, web_url, sha, labels }
}

/// Does a merge request already have the changed state?
fn is_in_effect(change: &MergeRequestChange, now: &MergeRequestFact) -> bool {
    let is = |wanted: &Option<String>, now: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.trim() == now.trim())
    };
    is(&change.title, &now.title)
        && is(&change.description, &now.description)
        && change.add_labels.is_subset(&now.labels)
        && change.remove_labels.is_disjoint(&now.labels)
        && (!change.close || now.state == MrState::Closed)
}
