//! What a cut-over looks up in the config repo's project (GitLab docs: api/merge_requests, api/projects,
//! api/project_push_rules, api/pipeline_schedules, api/resource_groups, api/labels).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use gitlab::api::common::{SortOrder, path_escaped};
use gitlab::api::projects::merge_requests::{
    MergeRequestDiffs, MergeRequestOrderBy, MergeRequestScope, MergeRequests,
};
use gitlab::api::projects::repository::commits::Commits;
use gitlab::api::{Endpoint, QueryParams};
use http::Method;
use serde_json::Value;

use super::cut_over_answers::{
    comment, detail, listed, push_rule, schedule, schedule_summary, settings,
};
use super::lookups::{is_missing, notes, unbuilt};
use super::reader::{GitLabReader, api_state};
use super::responses::{CommitAnswer, DiffAnswer};
use crate::clients::http::HttpError;
use crate::domain::{CommitSha, MrIid, RepoPath};
use crate::ports::{
    BranchReader, Comment, CutOverReader, ForgeReader, MergeRequestDetail, MergeRequestList,
    MergeRequestQuery, PipelineSchedule, ProjectSettings, PushRule,
};
use crate::snapshot::{CommitDetail, Failure, LabelEvent};

/// Schedules whose last pipeline is looked up.
const MAX_SCHEDULES: usize = 10;

/// A page or an object below a project, as JSON: `GET projects/:id…`.
struct BelowProject<'a> {
    project: u64,
    rest: Cow<'a, str>,
}

impl Endpoint for BelowProject<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}{}", self.project, self.rest).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        QueryParams::default()
    }
}

impl GitLabReader {
    fn below<'a>(&self, rest: impl Into<Cow<'a, str>>) -> BelowProject<'a> {
        BelowProject { project: self.project().id, rest: rest.into() }
    }

    /// An object that may be absent.
    async fn object(&self, rest: &str) -> Result<Option<Value>, Failure> {
        let answer: Result<Value, HttpError> = self.api.json(&self.below(rest)).await;
        match answer {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.api.failure(&error)),
        }
    }

    async fn last_run(&self, schedule: &mut PipelineSchedule) -> Result<(), Failure> {
        let answer = self.object(&format!("/pipeline_schedules/{}", schedule.id)).await?;
        schedule.last_status = answer.as_ref().and_then(schedule_summary);
        Ok(())
    }
}

#[async_trait]
impl CutOverReader for GitLabReader {
    async fn merge_requests(&self, query: &MergeRequestQuery) -> Result<MergeRequestList, Failure> {
        let mut endpoint = MergeRequests::builder();
        endpoint
            .project(self.project().id)
            .scope(MergeRequestScope::All)
            .state(api_state(query.state))
            .order_by(MergeRequestOrderBy::UpdatedAt)
            .sort(SortOrder::Descending);
        if let Some(since) = query.updated_after {
            endpoint.updated_after(since);
        }
        let endpoint = endpoint.build().map_err(unbuilt)?;
        let answers: Result<(Vec<Value>, bool), _> =
            self.api.list_up_to(&endpoint, query.pages).await;
        let (answers, is_cut) = answers.map_err(|error| self.api.failure(&error))?;
        let entries = answers.into_iter().filter_map(listed).collect();
        Ok(MergeRequestList { entries, is_cut })
    }

    async fn merge_request(&self, iid: MrIid) -> Result<MergeRequestDetail, Failure> {
        let answer = self.object(&format!("/merge_requests/{}", iid.number())).await?;
        let answer = answer.ok_or_else(|| Failure::new(format!("there is no {iid} any more")))?;
        Ok(detail(&answer))
    }

    async fn changed_paths(&self, iid: MrIid) -> Result<Vec<String>, Failure> {
        let endpoint = MergeRequestDiffs::builder()
            .project(self.project().id)
            .merge_request(iid.number())
            .build()
            .map_err(unbuilt)?;
        let diffs: Vec<DiffAnswer> =
            self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        let mut paths: BTreeSet<String> = diffs.iter().map(|diff| diff.old_path.clone()).collect();
        paths.extend(diffs.into_iter().map(|diff| diff.new_path));
        Ok(paths.into_iter().collect())
    }

    async fn text(&self, commit: &CommitSha, path: &str) -> Result<Option<String>, Failure> {
        match path.strip_prefix("data") {
            Some(path) => self.file(commit, &RepoPath::of_datafile(path)).await,
            None => Ok(None),
        }
    }

    async fn comments(&self, iid: MrIid) -> Result<Vec<Comment>, Failure> {
        let notes = notes(&self.api, self.project().id, iid).await;
        let notes = notes.map_err(|error| self.api.failure(&error))?;
        Ok(notes.into_iter().filter_map(comment).collect())
    }

    async fn label_changes(&self, iid: MrIid) -> Result<Vec<LabelEvent>, Failure> {
        self.label_events(iid).await
    }

    async fn branches_named(&self, prefix: &str) -> Result<Vec<(String, CommitDetail)>, Failure> {
        self.listed_branches(prefix).await
    }

    async fn commits_of_file(
        &self,
        path: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<CommitDetail>, Failure> {
        let endpoint = Commits::builder()
            .project(self.project().id)
            .ref_name(self.project().target_branch.as_str())
            .path(path)
            .since(since)
            .build()
            .map_err(unbuilt)?;
        let answers: Vec<CommitAnswer> =
            self.api.json(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        Ok(answers.into_iter().filter_map(CommitAnswer::into_detail).collect())
    }

    async fn settings(&self) -> Result<ProjectSettings, Failure> {
        let answer = self.object("").await?;
        Ok(answer.as_ref().map(settings).unwrap_or_default())
    }

    async fn refused_branches(
        &self,
        branches: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        self.refused_by_rules(branches).await
    }

    async fn push_rule(&self) -> Result<Option<PushRule>, Failure> {
        Ok(self.object("/push_rule").await?.as_ref().map(push_rule))
    }

    async fn schedules(&self) -> Result<Vec<PipelineSchedule>, Failure> {
        let endpoint = self.below("/pipeline_schedules");
        let answers: Vec<Value> =
            self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        let mut schedules: Vec<_> = answers.iter().filter_map(schedule).collect();
        try_join_all(schedules.iter_mut().take(MAX_SCHEDULES).map(|one| self.last_run(one)))
            .await?;
        Ok(schedules)
    }

    async fn process_mode(&self, resource_group: &str) -> Result<Option<String>, Failure> {
        let answer =
            self.object(&format!("/resource_groups/{}", path_escaped(resource_group))).await?;
        Ok(answer.and_then(|group| Some(group.get("process_mode")?.as_str()?.to_owned())))
    }

    async fn missing_labels(&self, labels: &BTreeSet<String>) -> Result<BTreeSet<String>, Failure> {
        let mut missing = BTreeSet::new();
        for label in labels {
            if self.object(&format!("/labels/{}", path_escaped(label))).await?.is_none() {
                missing.insert(label.clone());
            }
        }
        Ok(missing)
    }
}
