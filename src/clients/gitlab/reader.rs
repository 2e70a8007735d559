//! Reads merge requests, branches, commits and files of the config repo.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use gitlab::api::common::{NameOrId, SortOrder};
use gitlab::api::projects::merge_requests::{
    MergeRequestOrderBy, MergeRequestResourceLabelEvents, MergeRequestScope, MergeRequestState,
    MergeRequests, MergeRequestsBuilder,
};
use gitlab::api::projects::pipelines::{PipelineOrderBy, PipelineScope, Pipelines};
use gitlab::api::projects::repository::branches::Branches;

use super::api::GitLabApi;
use super::connect::{ConnectOptions, Project, connect};
use super::connect_error::ConnectError;
use super::lookups::{branch_tip, notes, request, unbuilt};
use super::people::find_user;
use super::responses::{BranchAnswer, LabelEventAnswer, NoteAnswer, PipelineAnswer, RequestAnswer};
use super::rights::Rights;
use crate::domain::{MrIid, Person, UserId};
use crate::ports::{Deadline, ForgeReader, GoneMerge, Waits};
use crate::snapshot::{
    BotUser, CommitDetail, Failure, LabelEvent, MergeRequestFact, MrState, PastMergeRequest,
    PipelineFact, UserFact,
};

/// The config repo's project, read only.
#[derive(Debug, Clone)]
pub struct GitLabReader {
    pub(super) api: GitLabApi,
    pub(super) project: Project,
    bot: BotUser,
    former_bots: Vec<BotUser>,
    other_bots: Vec<BotUser>,
    rights: Rights,
    pub(super) marker: String,
}

impl GitLabReader {
    /// First contact: looks up the project, the bot's user, the target branch's tip and the token's rights.
    ///
    /// # Errors
    /// See [`ConnectError`]. Each ends the run.
    pub async fn connect(api: GitLabApi, options: &ConnectOptions) -> Result<Self, ConnectError> {
        connect(api, options).await
    }

    /// For lookups of a run: see [`GitLabApi::until`].
    #[must_use]
    pub fn until(&self, deadline: &Deadline) -> Self {
        Self { api: self.api.clone().until(deadline.clone()), ..self.clone() }
    }

    /// Records waiting times here.
    #[must_use]
    pub fn noting(&self, waits: &Waits) -> Self {
        Self { api: self.api.noting(waits), ..self.clone() }
    }

    pub(super) fn new(
        api: GitLabApi,
        project: Project,
        (bot, former_bots, other_bots): (BotUser, Vec<BotUser>, Vec<BotUser>),
        rights: Rights,
        marker: String,
    ) -> Self {
        Self { api, project, bot, former_bots, other_bots, rights, marker }
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The bot's user.
    pub fn bot(&self) -> &BotUser {
        &self.bot
    }

    /// Earlier users of the bot.
    pub fn former_bots(&self) -> &[BotUser] {
        &self.former_bots
    }

    /// Users of other bots.
    pub fn other_bots(&self) -> &[BotUser] {
        &self.other_bots
    }

    /// The token's rights, as far as GitLab reports them.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Does it use a job token?
    pub fn has_job_token(&self) -> bool {
        self.api.has_job_token()
    }

    /// Merge requests from exactly this branch of the project, by any author, newest first. With
    /// `state`, only those.
    ///
    /// # Errors
    /// When GitLab does not respond.
    pub async fn merge_requests_from(
        &self,
        branch: &str,
        state: Option<MrState>,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        self.requests(|query| {
            query.source_branch(branch);
            if let Some(state) = state {
                query.state(api_state(state));
            }
        })
        .await
    }

    /// The merge requests that a query finds, without those from forks.
    async fn requests<'a>(
        &self,
        narrow: impl FnOnce(&mut MergeRequestsBuilder<'a>),
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        let endpoint = self.query(narrow)?;
        let answers = self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        Ok(self.own_facts(answers))
    }

    /// The newest of them, so many pages; and whether these are all.
    async fn request_pages<'a>(
        &self,
        most: usize,
        narrow: impl FnOnce(&mut MergeRequestsBuilder<'a>),
    ) -> Result<(Vec<MergeRequestFact>, bool), Failure> {
        let endpoint = self.query(narrow)?;
        let answers = self.api.list_up_to(&endpoint, most).await;
        let (answers, has_more) = answers.map_err(|error| self.api.failure(&error))?;
        Ok((self.own_facts(answers), !has_more))
    }

    fn own_facts(&self, answers: Vec<RequestAnswer>) -> Vec<MergeRequestFact> {
        let own = answers.into_iter().filter(|answer| answer.is_from_project(self.project.id));
        own.map(RequestAnswer::into_fact).collect()
    }

    fn query<'a>(
        &self,
        narrow: impl FnOnce(&mut MergeRequestsBuilder<'a>),
    ) -> Result<MergeRequests<'a>, Failure> {
        let mut query = MergeRequests::builder();
        query
            .project(self.project.id)
            .scope(MergeRequestScope::All)
            .order_by(MergeRequestOrderBy::CreatedAt)
            .sort(SortOrder::Descending);
        narrow(&mut query);
        query.build().map_err(unbuilt)
    }

    /// The bot's merge requests of one state, to one branch or all. One list per user of the bot.
    async fn own(
        &self,
        state: MrState,
        target_branch: Option<&str>,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        let users = self.former_bots.iter().chain([&self.bot]);
        let lists = users.map(|user| {
            self.requests(move |query| {
                query.state(api_state(state)).author(NameOrId::from(user.id.0));
                if let Some(branch) = target_branch {
                    query.target_branch(branch);
                }
            })
        });
        Ok(try_join_all(lists).await?.into_iter().flatten().collect())
    }

    /// Branches whose name begins with `prefix`, with their tips.
    pub(super) async fn listed_branches(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, CommitDetail)>, Failure> {
        let endpoint = Branches::builder()
            .project(self.project.id)
            .search(format!("^{prefix}"))
            .build()
            .map_err(unbuilt)?;
        let answers: Vec<BranchAnswer> =
            self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        let mut branches: Vec<_> = answers
            .into_iter()
            .filter(|branch| branch.name.starts_with(prefix))
            .filter_map(|branch| Some((branch.name, branch.commit.into_detail()?)))
            .collect();
        branches.sort_by(|a, b| a.0.cmp(&b.0));
        branches.dedup_by(|a, b| a.0 == b.0);
        Ok(branches)
    }

    async fn notes(&self, iid: MrIid) -> Result<Vec<NoteAnswer>, Failure> {
        notes(&self.api, self.project.id, iid).await.map_err(|error| self.api.failure(&error))
    }
}

/// Maximum merge requests of other bots that are read per merge whose values are gone, oldest first.
const MAX_REVERTS_READ: usize = 20;

/// Open, or being merged. GitLab lists the two separately.
fn is_unfinished(state: MrState) -> bool {
    matches!(state, MrState::Opened | MrState::Locked)
}

pub(super) fn api_state(state: MrState) -> MergeRequestState {
    match state {
        MrState::Opened => MergeRequestState::Opened,
        MrState::Closed => MergeRequestState::Closed,
        MrState::Merged => MergeRequestState::Merged,
        MrState::Locked => MergeRequestState::Locked,
    }
}

#[async_trait]
impl ForgeReader for GitLabReader {
    fn within(&self, deadline: &Deadline) -> Box<dyn ForgeReader + '_> {
        Box::new(self.until(deadline))
    }

    fn noting(&self, waits: &Waits) -> Box<dyn ForgeReader + '_> {
        Box::new(self.noting(waits))
    }

    /// GitLab cannot filter by a prefix of the source branch, and a busy config repo has hundreds of open
    /// merge requests. So this lists the bot's own, for all target branches: the same request also finds
    /// those that target a branch that was renamed.
    async fn open_merge_requests(&self) -> Result<Vec<MergeRequestFact>, Failure> {
        self.own(MrState::Opened, None).await
    }

    /// For the few branches without a merge request of the bot, looks up any merge request. That finds
    /// those that a person opened.
    async fn merge_requests_beside(
        &self,
        open: &[MergeRequestFact],
        branches: &BTreeSet<&str>,
        target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        let is_from = |requests: &[MergeRequestFact], name: &str| {
            requests.iter().any(|request| request.source_branch == name)
        };
        let mut without = branches.clone();
        without.retain(|name| !is_from(open, name));
        // A merge request that is being merged is not in the list of open ones, but still has its branch. In
        // this order, a merge that begins in between is in at least one of the lists.
        let mut found = if without.is_empty() {
            Vec::new()
        } else {
            self.merge_requests_being_merged(target_branch).await?
        };
        without.retain(|name| !is_from(&found, name));
        let others =
            without.into_iter().map(|name| self.merge_requests_from(name, Some(MrState::Opened)));
        found.extend(try_join_all(others).await?.into_iter().flatten());
        found.retain(|request| is_unfinished(request.state));
        found.sort_by_key(|request| request.iid);
        found.dedup_by_key(|request| request.iid);
        Ok(found)
    }

    async fn merge_requests_being_merged(
        &self,
        target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure> {
        self.own(MrState::Locked, Some(target_branch)).await
    }

    async fn past_merge_requests(
        &self,
        branch: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<PastMergeRequest>, Vec<MergeRequestFact>), Failure> {
        let mut all = self.merge_requests_from(branch, None).await?;
        all.retain(|request| request.source_branch == branch);
        let (own, mut others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|request| bots.contains(&request.author_id));
        others.retain(|request| is_unfinished(request.state));
        Ok((self.past_of(own, bots).await?, others))
    }

    async fn newest_mr(
        &self,
        branch: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<Option<MrIid>, Failure> {
        let found = self.merge_requests_from(branch, None).await?.into_iter();
        let own = found.filter(|r| r.source_branch == branch && bots.contains(&r.author_id));
        Ok(own.map(|request| request.iid).max())
    }

    async fn user(&self, person: &Person) -> Result<Option<UserFact>, Failure> {
        find_user(&self.api, person).await
    }

    async fn mr(&self, iid: MrIid) -> Result<MergeRequestFact, Failure> {
        request(&self.api, self.project.id, iid).await
    }

    async fn has_open_mr(&self, branch: &str) -> Result<bool, Failure> {
        for state in [MrState::Opened, MrState::Locked] {
            let found = self.merge_requests_from(branch, Some(state)).await?;
            if found.iter().any(|request| is_unfinished(request.state)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn notes_of(&self, iid: MrIid, bots: &BTreeSet<UserId>) -> Result<Vec<String>, Failure> {
        let by_bot = |note: &NoteAnswer| {
            !note.system && note.author.as_ref().is_some_and(|author| bots.contains(&author.id))
        };
        let notes = self.notes(iid).await?;
        Ok(notes.into_iter().filter(by_bot).map(|note| note.body).collect())
    }

    async fn label_events(&self, iid: MrIid) -> Result<Vec<LabelEvent>, Failure> {
        let endpoint = MergeRequestResourceLabelEvents::builder()
            .project(self.project.id)
            .merge_request(iid.number())
            .build()
            .map_err(unbuilt)?;
        let answers: Vec<LabelEventAnswer> =
            self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        let mut events: Vec<_> =
            answers.into_iter().filter_map(LabelEventAnswer::into_event).collect();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    async fn reverts_of(
        &self,
        gone: &GoneMerge,
        by: &BTreeSet<UserId>,
    ) -> Result<Vec<MrIid>, Failure> {
        let lists = by.iter().map(|user| self.merged_after(gone, *user));
        let mut merged: Vec<_> = try_join_all(lists).await?.into_iter().flatten().collect();
        merged.retain(|request| request.ended_at.is_some_and(|at| at >= gone.merged_at));
        merged.sort_by_key(|request| (request.ended_at, request.iid));
        merged.truncate(MAX_REVERTS_READ);
        let takes_out = merged.into_iter().map(|request| async move {
            Ok::<_, Failure>(self.takes_out(request.iid, gone).await?.then_some(request.iid))
        });
        Ok(try_join_all(takes_out).await?.into_iter().flatten().collect())
    }

    async fn finished_pipeline(&self, branch: &str) -> Result<Option<PipelineFact>, Failure> {
        let endpoint = Pipelines::builder()
            .project(self.project.id)
            .ref_(branch)
            .scope(PipelineScope::Finished)
            .order_by(PipelineOrderBy::Id)
            .sort(SortOrder::Descending)
            .build()
            .map_err(unbuilt)?;
        // The first page is enough.
        let answers: Vec<PipelineAnswer> =
            self.api.json(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        Ok(answers.into_iter().next().map(PipelineAnswer::into_fact))
    }

    async fn newest_with_text(
        &self,
        text: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<MergeRequestFact>, bool), Failure> {
        let pages = bots.iter().map(|user| {
            self.request_pages(1, move |query| {
                query.author(NameOrId::from(user.0)).search(text);
            })
        });
        let pages = try_join_all(pages).await?;
        let is_complete = pages.iter().all(|(_, is_complete)| *is_complete);
        Ok((pages.into_iter().flat_map(|(page, _)| page).collect(), is_complete))
    }

    async fn past_with_text(
        &self,
        text: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<Vec<PastMergeRequest>, Failure> {
        let lists = bots.iter().map(|user| {
            self.requests(move |query| {
                query.author(NameOrId::from(user.0)).search(text);
            })
        });
        let mut found: Vec<_> = try_join_all(lists).await?.into_iter().flatten().collect();
        // GitLab looks for it in titles as well.
        found.retain(|request| request.description.contains(text));
        self.past_of(found, bots).await
    }

    async fn branch_tip(&self, branch: &str) -> Result<Option<CommitDetail>, Failure> {
        branch_tip(&self.api, self.project.id, branch).await
    }
}
