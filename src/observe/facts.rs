//! Commits, deployment records and SLO values.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::ports::{Commits, SloSource, StateError, StateStore};
use super::progress::Progress;
use crate::decide::{SloQuery, record_key, state_key};
use crate::domain::{CommitSha, RepoUrl};
use crate::inventory::{Inventory, Target};
use crate::snapshot::{Failure, Lookup, SloValue, Snapshot};

/// How much is asked at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Look-ups under way for each service.
    pub concurrency: usize,
}

/// Asks the services for facts.
pub struct Observer<'a> {
    /// Commits of moving refs.
    pub commits: &'a dyn Commits,
    /// Deployment records.
    pub state: &'a dyn StateStore,
    /// SLO values.
    pub slos: &'a dyn SloSource,
    /// Publishers to look at, as indexes into the inventory's targets; `None`: all.
    pub publishers: Option<&'a BTreeSet<usize>>,
    /// How much is asked at once.
    pub limits: Limits,
    /// Told how far it is.
    pub progress: &'a dyn Progress,
}

impl Observer<'_> {
    fn publishers<'i>(&self, inventory: &'i Inventory) -> impl Iterator<Item = &'i Target> {
        let wanted = |index: &usize| self.publishers.is_none_or(|wanted| wanted.contains(index));
        let all = inventory.targets.iter().enumerate();
        all.filter(move |(index, _)| wanted(index)).map(|(_, target)| target)
    }

    /// Commits of all publishers' moving refs, each distinct (repository, ref) once.
    pub async fn commits(&self, inventory: &Inventory, snapshot: &mut Snapshot) {
        let wanted: BTreeSet<(RepoUrl, String)> = self
            .publishers(inventory)
            .filter_map(|target| {
                let git_ref = target.git_ref.as_ref().ok()?;
                let known = CommitSha::parse(git_ref).is_some();
                (!known).then(|| (target.repo_url.clone(), git_ref.clone()))
            })
            .collect();
        // Two spellings of one repository are one look-up, by the first of them.
        let mut distinct: BTreeMap<(String, String), RepoUrl> = BTreeMap::new();
        for (url, git_ref) in &wanted {
            let key = (url.normalised(), git_ref.clone());
            distinct.entry(key).or_insert_with(|| url.clone());
        }
        self.progress.begin("commits", distinct.len());
        let found: BTreeMap<(String, String), _> = stream::iter(distinct)
            .map(|(key, url)| async move {
                let answer = self.commits.commit(&url, &key.1).await;
                self.progress.step();
                (key, answer)
            })
            // Each service bounds itself; this only bounds what waits for its turn.
            .buffer_unordered(self.limits.concurrency.saturating_mul(4).max(1))
            .collect()
            .await;
        self.progress.end();
        for (url, git_ref) in wanted {
            let key = Snapshot::commit_key(&url, &git_ref);
            if let Some(answer) = found.get(&(url.normalised(), git_ref)) {
                snapshot.commits.insert(key, Lookup::from(answer.clone()));
            }
        }
    }

    /// Deployment records of all publishers' commits on subscribed channels, one GET each.
    ///
    /// # Errors
    /// When the bucket as a whole does not answer.
    pub async fn records(
        &self,
        inventory: &Inventory,
        snapshot: &mut Snapshot,
    ) -> Result<(), StateError> {
        let mut keys = BTreeSet::new();
        for target in self.publishers(inventory) {
            let Ok(git_ref) = &target.git_ref else { continue };
            let commit = CommitSha::parse(git_ref).or_else(|| {
                let key = Snapshot::commit_key(&target.repo_url, git_ref);
                snapshot.commits.get(&key)?.as_result().ok().map(|fact| fact.sha.clone())
            });
            let Some(commit) = commit else { continue };
            let channels = target.promotion.publish.iter();
            for channel in channels.filter(|channel| inventory.subscribed.contains(*channel)) {
                keys.insert(record_key(channel, &target.uid, &commit));
            }
        }
        self.progress.begin("deployment records", keys.len());
        let mut answers = stream::iter(keys)
            .map(|key| async {
                let answer = self.state.get(&state_key(&key)).await;
                self.progress.step();
                (key, answer)
            })
            .buffer_unordered(self.limits.concurrency.max(1));
        while let Some((key, answer)) = answers.next().await {
            match answer {
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    snapshot.deployment_records.insert(key, stored(&bytes));
                }
                Err(StateError::Key(error)) => {
                    snapshot.deployment_record_errors.insert(key, Failure::new(error));
                }
                Err(whole @ StateError::Whole(_)) => return Err(whole),
            }
        }
        self.progress.end();
        Ok(())
    }

    /// SLO values, each distinct query once.
    pub async fn slo_values(&self, queries: &[SloQuery], snapshot: &mut Snapshot) {
        let distinct: BTreeSet<(&str, &str)> =
            queries.iter().map(|query| (query.url.as_str(), query.expression.as_str())).collect();
        self.progress.begin("SLO values", distinct.len());
        let values: BTreeMap<_, _> = stream::iter(distinct)
            .map(|(url, expression)| async move {
                let value = match self.slos.value(url, expression).await {
                    Ok(value) => SloValue::Value(value),
                    Err(failure) => SloValue::Failed(failure),
                };
                self.progress.step();
                ((url, expression), value)
            })
            .buffer_unordered(self.limits.concurrency.max(1))
            .collect()
            .await;
        self.progress.end();
        for query in queries {
            if let Some(value) = values.get(&(query.url.as_str(), query.expression.as_str())) {
                snapshot.slo_values.insert(query.key.clone(), value.clone());
            }
        }
    }
}

/// A record as the snapshot holds it: its JSON, or its bytes as a text.
fn stored(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
