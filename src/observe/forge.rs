//! Open merge requests and branches, and what planning asks for after that.

use futures_util::stream::{self, StreamExt};

use super::ports::ForgeReader;
use crate::plan::{Needs, branch};
use crate::snapshot::{CommitDetail, ConfigRepoFacts, Lookup, MergeRequestFact, Snapshot};

/// GitLab could not say which requests are open: nothing can be planned.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the open merge requests and branches could not be read: {0}")]
pub struct ForgeFactsError(pub String);

/// Open requests and branches with the bot's prefix.
#[derive(Debug)]
pub struct OpenRequests {
    requests: Vec<MergeRequestFact>,
    branches: Vec<(String, CommitDetail)>,
}

impl OpenRequests {
    /// Puts them into a snapshot.
    pub fn store(self, repo: ConfigRepoFacts, snapshot: &mut Snapshot) {
        let requests = self.requests.into_iter();
        snapshot.merge_requests = requests.map(|request| (request.iid, request)).collect();
        snapshot.branches = self.branches.into_iter().collect();
        snapshot.config_repo = Some(repo);
    }
}

/// Open requests into `target_branch` and branches with the bot's prefix, in a handful of calls.
///
/// # Errors
/// When one of the lists could not be had: without them a run could open a second request.
pub async fn observe_requests(
    forge: &dyn ForgeReader,
    target_branch: &str,
) -> Result<OpenRequests, ForgeFactsError> {
    let (requests, branches) = forge
        .requests_and_branches(branch::PREFIX, target_branch)
        .await
        .map_err(|failure| ForgeFactsError(failure.error))?;
    Ok(OpenRequests { requests, branches })
}

/// What planning missed: earlier requests, comments, texts and changes.
pub async fn observe_needs(
    forge: &dyn ForgeReader,
    needs: &Needs,
    bot_id: u64,
    concurrency: usize,
    snapshot: &mut Snapshot,
) {
    let at_once = concurrency.max(1);
    let histories: Vec<_> = stream::iter(&needs.histories)
        .map(|branch| async move { (branch, forge.past_requests(branch, bot_id).await) })
        .buffer_unordered(at_once)
        .collect()
        .await;
    for (branch, answer) in histories {
        let past = answer.map(|(past, others)| {
            snapshot.merge_requests.extend(others.into_iter().map(|other| (other.iid, other)));
            past
        });
        snapshot.past_merge_requests.insert(branch.clone(), Lookup::from(past));
    }
    let notes: Vec<_> = stream::iter(&needs.notes)
        .map(|iid| async move { (*iid, forge.notes_of(*iid, bot_id).await) })
        .buffer_unordered(at_once)
        .collect()
        .await;
    for (iid, answer) in notes {
        snapshot.notes.insert(iid, Lookup::from(answer));
    }
    let files: Vec<_> = stream::iter(&needs.files)
        .map(|(commit, path)| async move {
            (Snapshot::file_key(commit, path), forge.file(commit, path).await)
        })
        .buffer_unordered(at_once)
        .collect()
        .await;
    for (key, answer) in files {
        snapshot.files.insert(key, Lookup::from(answer));
    }
    let changes: Vec<_> = stream::iter(&needs.changes)
        .map(|commit| async move { (commit.to_string(), forge.changes(commit).await) })
        .buffer_unordered(at_once)
        .collect()
        .await;
    for (commit, answer) in changes {
        snapshot.commit_changes.insert(commit, Lookup::from(answer));
    }
}
