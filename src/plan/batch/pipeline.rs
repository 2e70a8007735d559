//! What the newest pipelines of a batch and of the target branch say.

use super::super::planner::{Existing, Planner};
use crate::domain::CommitSha;
use crate::snapshot::PipelineFact;

/// How the newest pipeline of a merge request's own tip stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PipelineState {
    /// It could not be looked up, or still has to be.
    Unknown,
    /// There is none of this commit.
    None,
    Succeeded,
    /// Only `failed`: a canceled or skipped one says nothing of the content.
    Failed,
    /// It is not over, or ended otherwise.
    Other,
}

impl PipelineState {
    fn of(pipeline: &PipelineFact) -> Self {
        match pipeline.status.as_str() {
            "success" => Self::Succeeded,
            "failed" => Self::Failed,
            _ => Self::Other,
        }
    }
}

/// Is it about this commit? A pipeline of merged results has a commit of its own.
fn is_of(pipeline: &PipelineFact, tip: &CommitSha) -> bool {
    let is_merged_result = pipeline.git_ref.as_deref().is_some_and(|git_ref| {
        git_ref.starts_with("refs/merge-requests/") && !git_ref.ends_with("/head")
    });
    pipeline.sha.as_ref() == Some(tip) || is_merged_result
}

impl Planner<'_> {
    /// The newest pipeline of a batch's tip; asked for once it matters.
    pub(super) fn pipeline_of(&mut self, existing: &Existing<'_>) -> PipelineState {
        let iid = existing.mr.iid;
        let Some(known) = self.snapshot.pipelines.get(&iid) else {
            self.missing.pipelines.insert(iid);
            return PipelineState::Unknown;
        };
        match known.as_result() {
            Err(_) => PipelineState::Unknown,
            Ok(Some(pipeline)) if is_of(pipeline, &existing.tip.sha) => PipelineState::of(pipeline),
            Ok(_) => PipelineState::None,
        }
    }

    /// Did the newest finished pipeline of the target branch fail? Then those of all merge requests do. As long as it is
    /// not known it is taken to have failed: nothing is split on missing facts.
    pub(super) fn is_target_branch_broken(&mut self) -> bool {
        match self.snapshot.target_branch_pipeline.as_ref().map(|known| known.as_result()) {
            None => {
                self.missing.target_branch_pipeline = true;
                true
            }
            Some(Err(_)) => true,
            Some(Ok(pipeline)) => {
                pipeline.as_ref().is_some_and(|it| PipelineState::of(it) == PipelineState::Failed)
            }
        }
    }
}
