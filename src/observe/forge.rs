//! Fetches open merge requests and branches.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::plan::{BranchPrefixes, branch};
use crate::ports::{Branch, BranchReader, ForgeReader};
use crate::snapshot::{ConfigRepoFacts, Failure, MergeRequestFact, Snapshot};

/// Maximum number of other target branches that a run looks up.
const MAX_OTHER_TARGET_BRANCHES: usize = 10;

/// GitLab did not return the open merge requests, so nothing can be planned.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the open merge requests and branches could not be read: {0}")]
pub struct ForgeFactsError(pub String);

/// Open merge requests, and branches with the bot's prefix.
#[derive(Debug)]
pub struct OpenMergeRequests {
    merge_requests: Vec<MergeRequestFact>,
    gone_target_branches: BTreeSet<String>,
    branches: Vec<Branch>,
}

impl OpenMergeRequests {
    /// Puts them into a snapshot.
    pub fn store(self, repo: ConfigRepoFacts, snapshot: &mut Snapshot) {
        let merge_requests = self.merge_requests.into_iter();
        snapshot.merge_requests = merge_requests.map(|mr| (mr.iid, mr)).collect();
        snapshot.gone_target_branches = self.gone_target_branches;
        for Branch { name, tip, content } in self.branches {
            snapshot.branch_contents.insert(tip.sha.to_string(), content);
            snapshot.branches.insert(name, tip);
        }
        snapshot.config_repo = Some(repo);
    }
}

/// Fetches open merge requests and branches with the bot's prefix in a few calls.
///
/// # Errors
/// When one of the lists is missing. Without it, a run could open a second merge request for a target.
pub async fn observe_open(
    forge: &dyn ForgeReader,
    branches: &dyn BranchReader,
    (prefixes, target_branch): (&BranchPrefixes, &str),
) -> Result<OpenMergeRequests, ForgeFactsError> {
    let failed = |failure: Failure| ForgeFactsError(failure.error);
    let (mut merge_requests, mut found) = tokio::try_join!(
        forge.open_merge_requests(),
        branches.branches(prefixes.all(), target_branch),
    )
    .map_err(failed)?;
    merge_requests.retain(|mr| branch::has_digest(&mr.source_branch));
    // The prefix was another one when these were opened.
    let others = merge_requests.iter().map(|mr| &mr.source_branch);
    let others: Vec<String> = others.filter(|name| !prefixes.are_of(name)).cloned().collect();
    if !others.is_empty() {
        let all = [prefixes.all(), &others].concat();
        found = branches.branches(&all, target_branch).await.map_err(failed)?;
    }
    let branches = found;
    let names: BTreeSet<&str> = branches.iter().map(|branch| branch.name.as_str()).collect();
    let (beside, gone_target_branches) = tokio::join!(
        forge.merge_requests_beside(&merge_requests, &names, target_branch),
        find_gone_target_branches(forge, &merge_requests, target_branch),
    );
    merge_requests.extend(beside.map_err(failed)?);
    merge_requests.retain(|mr| {
        names.contains(mr.source_branch.as_str()) || branch::has_digest(&mr.source_branch)
    });
    Ok(OpenMergeRequests { merge_requests, gone_target_branches, branches })
}

/// Target branches, other than `target_branch`, of the bot's merge requests that GitLab reports as missing. A branch
/// that exists may belong to another job, and so may one that could not be looked up.
async fn find_gone_target_branches(
    forge: &dyn ForgeReader,
    open: &[MergeRequestFact],
    target_branch: &str,
) -> BTreeSet<String> {
    let others = open.iter().map(|mr| mr.target_branch.as_str());
    let others: BTreeSet<&str> = others.filter(|other| *other != target_branch).collect();
    let others = others.into_iter().take(MAX_OTHER_TARGET_BRANCHES);
    let asked = others.map(|other| async move {
        let is_gone = matches!(forge.branch_tip(other).await, Ok(None));
        is_gone.then(|| other.to_owned())
    });
    join_all(asked).await.into_iter().flatten().collect()
}
