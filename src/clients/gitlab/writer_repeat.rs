//! Writes that must not simply be sent again: after a failure that leaves open
//! whether it took effect, GitLab is looked at first.

use gitlab::api::projects::merge_requests::notes::CreateMergeRequestNote;
use gitlab::api::projects::merge_requests::{MergeRequestState, MergeRequests};
use gitlab::api::projects::repository::commits::{CommitAction, CommitActionType, CreateCommit};
use gitlab::api::projects::repository::files::Encoding;

use super::answers::{CommitAnswer, RequestAnswer};
use super::lookups::{branch_tip, notes, unbuilt};
use super::writer::GitLabWriter;
use crate::clients::http::{HttpError, HttpErrorKind};
use crate::domain::CommitSha;
use crate::observe::ports::{Attempt, CommitOutcome, ForgeWriter, NewCommit};
use crate::snapshot::{CommitDetail, Failure, MergeRequestFact};

impl GitLabWriter {
    pub(super) async fn commit_once_in_effect(
        &self,
        commit: &NewCommit,
        repeated: bool,
    ) -> Result<Attempt<CommitOutcome>, Failure> {
        let endpoint = self.new_commit(commit)?;
        if let Some(replaced) = &commit.replaces {
            // GitLab knows no compare-and-swap on a branch: look right before every attempt.
            let waited = self.waited();
            let tip = branch_tip(&self.api, self.project, &commit.branch).await?;
            if self.waited() != waited {
                let failure = Failure::new("GitLab asked to wait");
                return Ok(Attempt::Again { failure, unclear: false });
            }
            if tip.as_ref().map(|tip| &tip.sha) != Some(replaced) {
                return Ok(Attempt::Done(CommitOutcome::TipMoved));
            }
        }
        let answer: Result<CommitAnswer, HttpError> =
            self.api.not_after_a_pause().json(&endpoint).await;
        if commit.replaces.is_some() {
            self.pipelines.count();
        }
        let error = match answer {
            Ok(answer) => match answer.into_detail() {
                Some(detail) => return Ok(Attempt::Done(CommitOutcome::Done(detail.sha))),
                None => return self.landed_or(commit, "GitLab's answer holds no commit").await,
            },
            Err(error) => error,
        };
        let exists = is_branch_exists(&error);
        // Before any unclear attempt it was somebody else who made the branch.
        if exists && !repeated {
            return Ok(Attempt::Done(CommitOutcome::BranchExists));
        }
        if !exists && !is_unclear(&error) {
            return self.later_or("commit", &error);
        }
        match self.landed(commit).await {
            Ok(Some(sha)) => Ok(Attempt::Done(CommitOutcome::Done(sha))),
            Ok(None) if exists => Ok(Attempt::Done(CommitOutcome::BranchExists)),
            Ok(None) => Ok(self.again("commit", &error).await),
            Err(_) => Err(self.failure("commit", &error)),
        }
    }

    /// Worth another attempt, a moment later.
    async fn again<T>(&self, what: &str, error: &HttpError) -> Attempt<T> {
        self.api.service().back_off(1).await;
        Attempt::Again { failure: self.failure(what, error), unclear: true }
    }

    fn new_commit<'a>(&self, commit: &'a NewCommit) -> Result<CreateCommit<'a>, Failure> {
        let action = CommitAction::builder()
            .action(CommitActionType::Update)
            .file_path(commit.path.trim_start_matches('/'))
            .content(commit.content.as_bytes())
            .encoding(encoding(&commit.content))
            .build()
            .map_err(unbuilt)?;
        let mut builder = CreateCommit::builder();
        builder
            .project(self.project)
            .branch(commit.branch.as_str())
            .start_sha(commit.start.as_str())
            .force(commit.replaces.is_some())
            .commit_message(commit.message.as_str())
            .stats(false)
            .action(action);
        if let Some((name, email)) = self.author.clone() {
            builder.author_name(name).author_email(email);
        }
        builder.build().map_err(unbuilt)
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

    pub(super) async fn comment_once_in_effect(
        &self,
        iid: u64,
        body: &str,
    ) -> Result<Attempt<()>, Failure> {
        let endpoint = CreateMergeRequestNote::builder()
            .project(self.project)
            .merge_request(iid)
            .body(body)
            .build()
            .map_err(unbuilt)?;
        let answer = self.api.not_after_a_pause().done(&endpoint).await;
        self.notes.count();
        let Err(error) = answer else { return Ok(Attempt::Done(())) };
        let what = format!("comment on merge request !{iid}");
        if !is_unclear(&error) {
            return self.later_or(&what, &error);
        }
        match notes(&self.api, self.project, iid).await {
            Ok(notes) if notes.iter().any(|note| note.body.trim() == body.trim()) => {
                Ok(Attempt::Done(()))
            }
            Ok(_) => Ok(self.again(&what, &error).await),
            Err(_) => Err(self.failure(&what, &error)),
        }
    }

    /// The open request between two branches, if there is one and GitLab says so.
    pub(super) async fn open_from(&self, source: &str, target: &str) -> Option<MergeRequestFact> {
        let endpoint = MergeRequests::builder()
            .project(self.project)
            .state(MergeRequestState::Opened)
            .source_branch(source)
            .target_branch(target)
            .build()
            .ok()?;
        let answers: Vec<RequestAnswer> = self.api.list(&endpoint).await.ok()?;
        let mut own = answers.into_iter().filter(|answer| answer.is_from_project(self.project));
        own.next().map(RequestAnswer::into_fact)
    }
}

/// May it have taken effect? Also when the answer could not be read.
fn is_unclear(error: &HttpError) -> bool {
    error.is_ambiguous() || (error.kind() == HttpErrorKind::Other && error.status().is_none())
}

/// 400 `A branch called '…' already exists. Switch to that branch in order to make changes`.
fn is_branch_exists(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    matches!(error.kind(), HttpErrorKind::Invalid | HttpErrorKind::Conflict)
        && body.contains("branch")
        && body.contains("already exists")
}

/// Is the tip the very commit that was asked for?
fn is_commit(wanted: &NewCommit, tip: &CommitDetail) -> bool {
    tip.message.trim() == wanted.message.trim() && tip.parents == [wanted.start.clone()]
}

/// Text, unless it holds what a form cannot carry.
fn encoding(content: &str) -> Encoding {
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    if content.chars().all(plain) { Encoding::Text } else { Encoding::Base64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_as_text() {
        assert_eq!(encoding("a: é\r\n\tb"), Encoding::Text);
        assert_eq!(encoding("a\0"), Encoding::Base64);
    }
}
