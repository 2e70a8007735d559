//! Compares the commits that descriptions of merge requests tell about.

use futures_util::stream::{self, StreamExt};

use super::facts::Limits;
use crate::plan::MissingFacts;
use crate::ports::Commits;
use crate::snapshot::{Lookup, Snapshot};

/// Fetches the comparisons that planning missed. People only want to know them, so a failure is no problem of the run.
pub async fn observe_comparisons(
    commits: &dyn Commits,
    missing: &MissingFacts,
    limits: &Limits,
    snapshot: &mut Snapshot,
) {
    let answers: Vec<_> = stream::iter(&missing.comparisons)
        .map(|pair| async move {
            let answer = commits.compare(&pair.url, &pair.from, &pair.to);
            let answer = limits.bound(|| commits.lane(&pair.url), answer).await.flatten();
            (pair.key(), answer)
        })
        .buffer_unordered(limits.concurrency.max(1))
        .collect()
        .await;
    for (key, answer) in answers {
        if let Err(failure) = &answer {
            tracing::debug!("{key} could not be compared: {}", failure.error);
        }
        snapshot.comparisons.insert(key, Lookup::from(answer));
    }
}
