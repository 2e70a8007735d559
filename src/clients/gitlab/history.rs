//! Merge requests that are over: who closed them, what they held, and what others took out again.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use gitlab::api::common::{NameOrId, SortOrder};
use gitlab::api::projects::merge_requests::{
    MergeRequestDiffs, MergeRequestOrderBy, MergeRequestScope, MergeRequestState, MergeRequests,
};

use super::lookups::{commit_detail, unbuilt};
use super::reader::GitLabReader;
use super::responses::{DiffAnswer, RequestAnswer};
use crate::domain::{MrIid, UserId};
use crate::ports::{ForgeReader, GoneMerge};
use crate::snapshot::{Failure, MergeRequestFact, MrState, PastMergeRequest};

impl GitLabReader {
    pub(super) async fn past(
        &self,
        request: MergeRequestFact,
        bots: &BTreeSet<UserId>,
        newest_merged: Option<MrIid>,
    ) -> Result<PastMergeRequest, Failure> {
        let closed_by_bot =
            request.state == MrState::Closed && self.closed_by_bot(&request, bots).await?;
        let tip_matters = match request.state {
            MrState::Closed => !closed_by_bot,
            _ => newest_merged == Some(request.iid),
        };
        let tip = match &request.sha {
            Some(sha) if tip_matters => commit_detail(&self.api, self.project.id, sha).await?,
            _ => None,
        };
        Ok(PastMergeRequest { mr: request, tip, closed_by_bot })
    }

    /// Those of these requests that are over, newest first, with what matters of them.
    pub(super) async fn past_of(
        &self,
        mut requests: Vec<MergeRequestFact>,
        bots: &BTreeSet<UserId>,
    ) -> Result<Vec<PastMergeRequest>, Failure> {
        requests.retain(|request| request.state != MrState::Opened);
        requests.sort_by_key(|request| std::cmp::Reverse((request.created_at, request.iid)));
        let newest_merged = requests
            .iter()
            .find(|request| request.state == MrState::Merged)
            .map(|request| request.iid);
        let past = requests.into_iter().map(|request| self.past(request, bots, newest_merged));
        try_join_all(past).await
    }

    /// Uses the user that GitLab reports, else the bot's own comment.
    pub(super) async fn closed_by_bot(
        &self,
        request: &MergeRequestFact,
        bots: &BTreeSet<UserId>,
    ) -> Result<bool, Failure> {
        if let Some(id) = request.closed_by {
            return Ok(bots.contains(&id));
        }
        let notes = self.notes_of(request.iid, bots).await?;
        Ok(!self.marker.is_empty() && notes.iter().any(|body| body.contains(&self.marker)))
    }
    /// A user's merge requests merged after another one: the first page of 20, because a revert follows soon.
    pub(super) async fn merged_after(
        &self,
        gone: &GoneMerge,
        user: UserId,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        let endpoint = MergeRequests::builder()
            .project(self.project.id)
            .scope(MergeRequestScope::All)
            .state(MergeRequestState::Merged)
            .author(NameOrId::from(user.0))
            .target_branch(&gone.target_branch)
            .updated_after(gone.merged_at)
            .order_by(MergeRequestOrderBy::UpdatedAt)
            .sort(SortOrder::Ascending)
            .build()
            .map_err(unbuilt)?;
        let answers: Vec<RequestAnswer> =
            self.api.json(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        Ok(answers.into_iter().map(RequestAnswer::into_fact).collect())
    }

    /// Does a merge request remove a ref from a file?
    pub(super) async fn takes_out(&self, iid: MrIid, gone: &GoneMerge) -> Result<bool, Failure> {
        let endpoint = MergeRequestDiffs::builder()
            .project(self.project.id)
            .merge_request(iid.number())
            .build()
            .map_err(unbuilt)?;
        let diffs: Vec<DiffAnswer> =
            self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        let of_file = diffs.iter().filter(|diff| diff.old_path == gone.path.as_str());
        let mut lines = of_file.flat_map(|diff| diff.diff.lines());
        Ok(lines.any(|line| line.starts_with('-') && line.contains(&gone.git_ref)))
    }
}
