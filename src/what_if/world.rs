//! A changeable copy of the world.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::assumption::Assumption;
use crate::decide::{Decisions, EditChecker, SubscriberDecision, decide, record_key};
use crate::domain::{CommitSha, GitRef, TargetUid};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::snapshot::{CommitFact, Lookup, Snapshot};

/// The config hash in a record for a deployment whose hash is not known.
const UNKNOWN_HASH: &str = "unknown";

/// A copy of inventory and facts. The files stay unchanged; they decide what can be edited.
#[derive(Debug, Clone)]
pub struct World<'a> {
    /// The targets with their refs.
    pub inventory: Inventory,
    /// Commits, deployment records and SLO values; no merge requests.
    pub snapshot: Snapshot,
    edits: &'a dyn EditChecker,
}

impl<'a> World<'a> {
    /// Copies the facts of a run.
    pub fn new(inventory: &Inventory, snapshot: &Snapshot, edits: &'a dyn EditChecker) -> Self {
        let facts = Snapshot {
            commits: snapshot.commits.clone(),
            deployment_records: snapshot.deployment_records.clone(),
            deployment_record_errors: snapshot.deployment_record_errors.clone(),
            slo_values: snapshot.slo_values.clone(),
            ..Snapshot::new(snapshot.observed_at)
        };
        Self { inventory: inventory.clone(), snapshot: facts, edits }
    }

    /// Decides on all subscribers as of a time.
    pub fn decide(&mut self, at: DateTime<Utc>) -> Decisions {
        self.snapshot.observed_at = at;
        decide(&self.inventory, &self.snapshot, self.edits, &|_| true)
    }

    /// Decides on these subscribers, and on those that share an edit site with them.
    pub(super) fn decide_on(&mut self, at: DateTime<Utc>, these: &BTreeSet<TargetIx>) -> Decisions {
        self.snapshot.observed_at = at;
        let uids: BTreeSet<&TargetUid> =
            these.iter().map(|&index| &self.inventory.targets[index].uid).collect();
        decide(&self.inventory, &self.snapshot, self.edits, &|target| uids.contains(&target.uid))
    }

    /// Applies an assumption: the publisher's ref points to the commit (for every follower of a moving
    /// ref, for every member of an edit site), and the records of all its channels have the assumed
    /// result.
    pub fn assume(&mut self, assumption: &Assumption, at: DateTime<Utc>) {
        let index = assumption.publisher;
        let commit = &assumption.commit;
        for member in sharing_ref(&self.inventory, index) {
            let target = &mut self.inventory.targets[member];
            match &target.git_ref {
                Ok(GitRef::Moving(moving)) => {
                    let key = Snapshot::commit_key(&target.repo_url, moving);
                    let fact =
                        CommitFact { sha: commit.clone(), committed_at: None, subject: None };
                    self.snapshot.commits.insert(key, Lookup::Found(fact));
                }
                _ => target.git_ref = Ok(GitRef::Pinned(commit.clone())),
            }
        }
        self.deploy(index, commit, assumption.success, at);
    }

    /// Applies a promotion that was merged and deployed.
    pub fn promote(&mut self, decision: &SubscriberDecision, at: DateTime<Utc>) {
        let target = &mut self.inventory.targets[decision.target];
        target.git_ref = Ok(GitRef::new(decision.desired_ref.clone()));
        let hashes = &mut target.promotion.current_hashes;
        for wanted in &decision.desired_hashes {
            hashes.retain(|hash| {
                (&hash.channel, &hash.parent_saas) != (&wanted.channel, &wanted.parent_saas)
            });
            hashes.push(wanted.clone());
        }
        if let Some(commit) = CommitSha::parse(&decision.desired_ref) {
            self.deploy(decision.target, &commit, true, at);
        }
    }

    /// Writes the records of a deployment. The config hash stays the last known one.
    fn deploy(&mut self, index: TargetIx, commit: &CommitSha, success: bool, at: DateTime<Utc>) {
        let target = &self.inventory.targets[index];
        for channel in &target.promotion.publish {
            let key = record_key(channel, &target.uid, commit);
            let earlier = self.snapshot.deployment_records.get(&key);
            let hash = earlier
                .and_then(|record| read_hash(record).map(str::to_owned))
                .or_else(|| self.last_hash(&record_prefix(&key)))
                .unwrap_or_else(|| UNKNOWN_HASH.to_owned());
            let record = json!({
                "success": success,
                "saas_file": target.saas_file,
                "target_config_hash": hash,
                "check_in": at.to_rfc3339(),
            });
            self.snapshot.deployment_record_errors.remove(&key);
            self.snapshot.deployment_records.insert(key, record);
        }
    }

    fn last_hash(&self, prefix: &str) -> Option<String> {
        let of = self.snapshot.deployment_records.range(prefix.to_owned()..);
        of.take_while(|(key, _)| key.starts_with(prefix))
            .filter_map(|(_, record)| Some((record["check_in"].as_str(), read_hash(record)?)))
            .max()
            .map(|(_, hash)| hash.to_owned())
    }
}

/// All targets whose commit changes when this target's does, itself included: those that follow the
/// same moving ref of its repository, and those at the same edit site.
pub fn sharing_ref(inventory: &Inventory, index: TargetIx) -> Vec<TargetIx> {
    let target = &inventory.targets[index];
    if let Ok(GitRef::Moving(_)) = &target.git_ref {
        let same = |other: &Target| {
            other.repo_url.is_same(&target.repo_url) && other.git_ref == target.git_ref
        };
        let all = inventory.targets.indexed();
        return all.filter(|(_, other)| same(other)).map(|(index, _)| index).collect();
    }
    let site = inventory.site_of.get(&index).and_then(|site| inventory.sites.get(site));
    site.map_or_else(|| vec![index], |site| site.members.clone())
}

fn read_hash(record: &Value) -> Option<&str> {
    record["target_config_hash"].as_str()
}

/// A record's key up to the commit.
fn record_prefix(key: &str) -> String {
    key.rfind('/').map_or(key, |at| &key[..=at]).to_owned()
}
