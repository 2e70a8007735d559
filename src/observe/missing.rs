//! Fetches what planning missed.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use super::facts::Limits;
use crate::domain::{RepoPath, UidDigest, UserId};
use crate::plan::{CommitPair, MENTION, MissingFacts, mentioned_places, verify};
use crate::ports::{BranchReader, Commits, ForgeReader};
use crate::snapshot::{CommitDetail, Failure, Lookup, MrState, PastBatches, Snapshot, TextChange};

/// Where to look up what planning missed.
pub struct FollowUps<'a> {
    /// Merge requests, their comments, labels and pipelines, and users.
    pub forge: &'a dyn ForgeReader,
    /// Files of the bot's branches.
    pub branches: &'a dyn BranchReader,
    /// Commits of the code.
    pub commits: &'a dyn Commits,
    /// The bot's users.
    pub bots: &'a BTreeSet<UserId>,
    /// Which digest makes the uids of targets.
    pub digest: UidDigest,
    /// Concurrency and deadline.
    pub limits: Limits,
}

impl FollowUps<'_> {
    /// Fetches all of it in parallel. What cannot be fetched is noted as a failure.
    pub async fn fetch(&self, missing: &MissingFacts, snapshot: &mut Snapshot) {
        let Self { forge, commits, bots, .. } = *self;
        let repo = snapshot.config_repo.as_ref();
        let target_branch = repo.map(|repo| repo.target_branch.as_str()).unwrap_or_default();
        let other_bots = &repo.map(|repo| repo.other_bot_ids()).unwrap_or_default();
        let (
            histories,
            notes,
            label_events,
            reverts,
            pipelines,
            mentions,
            people,
            comparisons,
            batches,
            merging,
            pipeline,
            declared,
        ) = tokio::join!(
            self.each(&missing.histories, gitlab, |branch| forge.past_merge_requests(branch, bots)),
            self.each(&missing.notes, gitlab, |iid| forge.notes_of(*iid, bots)),
            self.each(&missing.label_events, gitlab, |iid| forge.label_events(*iid)),
            self.each(&missing.reverts, gitlab, |gone| forge.reverts_of(gone, other_bots)),
            self.each(&missing.pipelines, gitlab, |iid| forge.pipeline_of(*iid)),
            self.each(&missing.mentions, gitlab, |text| forge.past_with_text(text, bots)),
            self.each(&missing.people, gitlab, |person| forge.user(person)),
            self.each(
                &missing.comparisons,
                |pair| commits.lane(&pair.url),
                |pair| commits.compare(&pair.url, &pair.from, &pair.to)
            ),
            self.once(missing.past_batches, self.past_batches()),
            self.once(missing.being_merged, forge.merge_requests_being_merged(target_branch)),
            self.once(missing.target_branch_pipeline, forge.finished_pipeline(target_branch)),
            self.declared_changes(&missing.changes, snapshot),
        );
        for (branch, answer) in histories {
            let past = answer.map(|(past, others)| {
                snapshot.merge_requests.extend(others.into_iter().map(|other| (other.iid, other)));
                past
            });
            snapshot.past_merge_requests.insert(branch.clone(), Lookup::from(past));
        }
        store(&mut snapshot.notes, notes, |iid| *iid);
        store(&mut snapshot.label_events, label_events, |iid| *iid);
        store(&mut snapshot.reverts, reverts, |gone| gone.iid);
        store(&mut snapshot.pipelines, pipelines, |iid| *iid);
        store(&mut snapshot.mentions, mentions, Clone::clone);
        store(&mut snapshot.users, people, ToString::to_string);
        for (pair, answer) in &comparisons {
            // People only want to know them, so a failure is no problem of the run.
            if let Err(failure) = answer {
                tracing::debug!("{} could not be compared: {}", pair.key(), failure.error);
            }
        }
        store(&mut snapshot.comparisons, comparisons, CommitPair::key);
        snapshot.past_batches = batches.or(snapshot.past_batches.take());
        snapshot.being_merged = merging.or(snapshot.being_merged.take());
        snapshot.target_branch_pipeline = pipeline.or(snapshot.target_branch_pipeline.take());
        snapshot.declared_changes.extend(declared);
    }

    /// Looks up each of these at its host, as many at once as is allowed.
    async fn each<'k, K, T, F: Future<Output = Result<T, Failure>>>(
        &self,
        keys: &'k BTreeSet<K>,
        host: impl Fn(&'k K) -> String,
        lookup: impl Fn(&'k K) -> F,
    ) -> Vec<(&'k K, Result<T, Failure>)> {
        let (limits, host) = (&self.limits, &host);
        stream::iter(keys)
            .map(|key| {
                let answer = lookup(key);
                async move { (key, limits.bound(|| host(key), answer).await.flatten()) }
            })
            .buffer_unordered(limits.concurrency.max(1))
            .collect()
            .await
    }

    async fn once<T>(
        &self,
        is_missing: bool,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Option<Lookup<T>> {
        if !is_missing {
            return None;
        }
        Some(Lookup::from(self.limits.bound(|| gitlab(&()), answer).await.flatten()))
    }

    /// The batches that are over, by what was said of them, because their branches are gone.
    async fn past_batches(&self) -> Result<PastBatches, Failure> {
        let (newest, is_complete) = self.forge.newest_with_text(MENTION, self.bots).await?;
        let over = newest.iter().filter(|mr| mr.state != MrState::Opened);
        let places = over.flat_map(|mr| mentioned_places(&mr.description));
        Ok(PastBatches { places: places.map(str::to_owned).collect(), is_complete })
    }

    /// The changes that these branches declare, by tip, where the branches hold exactly those.
    async fn declared_changes(
        &self,
        branches: &BTreeSet<String>,
        snapshot: &Snapshot,
    ) -> Vec<(String, Lookup<Option<BTreeMap<RepoPath, TextChange>>>)> {
        let mut found = Vec::new();
        for name in branches {
            let Some(tip) = snapshot.branches.get(name) else { continue };
            let content = snapshot.branch_contents.get(tip.sha.as_str());
            let Some(Ok(content)) = content.map(Lookup::as_result) else { continue };
            let change = match verify::Declared::of(tip, content) {
                Some(declared) => {
                    let change = repeat_declared_change(self.branches, tip, &declared, self.digest);
                    self.limits.bound(|| gitlab(&()), change).await.flatten()
                }
                None => Ok(None),
            };
            found.push((tip.sha.to_string(), Lookup::from(change)));
        }
        found
    }
}

/// The host of the config repo, for people.
fn gitlab<K>(_: &K) -> String {
    "GitLab".to_owned()
}

fn store<'k, K, N: Ord, T>(
    facts: &mut BTreeMap<N, Lookup<T>>,
    found: Vec<(&'k K, Result<T, Failure>)>,
    name: impl Fn(&'k K) -> N,
) {
    facts.extend(found.into_iter().map(|(key, answer)| (name(key), Lookup::from(answer))));
}

/// Repeats the edits that a branch declares on its parent commit, and returns them if the branch holds exactly those.
async fn repeat_declared_change(
    branches: &dyn BranchReader,
    tip: &CommitDetail,
    declared: &verify::Declared<'_>,
    digest: UidDigest,
) -> Result<Option<BTreeMap<RepoPath, TextChange>>, Failure> {
    let [base] = tip.parents.as_slice() else { return Ok(None) };
    let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
    loop {
        let missing = declared.missing_files(&texts);
        if missing.is_empty() {
            break;
        }
        for path in missing {
            let text = branches.file(base, &RepoPath::of_datafile(&path)).await?;
            texts.insert(path, text);
        }
    }
    Ok(declared.changes(&texts, digest))
}
