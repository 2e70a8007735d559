//! From decisions to desired changes: one for each edit site that is to be promoted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::branch;
use super::conflicts::Change;
use super::diff;
use super::edits::{edits, source, unsafe_edit};
use super::model::FileEdit;
use super::trailers::{Member, Values};
use crate::app_interface::Bundle;
use crate::app_interface::TargetEdit;
use crate::decide::{Decisions, EditChecker, Gate, Outcome, SubscriberDecision};
use crate::domain::{RepoPath, TargetUid};
use crate::inventory::{EditSiteKey, Inventory, Target, TargetIx};
use chrono::{DateTime, Utc};
use yaml11::{AliasMode, Patch};

/// What a branch is for: an edit site, or a single target that gets a value of its own.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) branch: String,
    /// Subscribers, as indexes, in inventory order.
    pub(super) members: Vec<TargetIx>,
    pub(super) state: EditSiteState,
}

/// What is wanted of a group.
#[derive(Debug, Clone)]
pub(super) enum EditSiteState {
    Promote(Arc<Desired>),
    /// A gate blocks it: which, and why.
    Hold {
        gate: Gate,
        reason: String,
    },
    NothingDue,
    /// Facts are missing, or it cannot be edited.
    Error(String),
}

/// A change that is due.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    pub(super) members: Vec<TargetIx>,
    pub(super) targets: Vec<TargetUid>,
    pub(super) current_ref: String,
    pub(super) values: Values,
    /// How the refs are written so that nobody else's moves.
    pub(super) mode: AliasMode,
    /// From the repository's root.
    pub(super) path: RepoPath,
    /// The file as it is on the target branch.
    pub(super) old_text: Arc<str>,
    /// What changes in it. Many changes of one file have their text in common: the whole new text is only made of what
    /// is compared or written.
    pub(super) patch: Patch,
    pub(super) promotable_since: Option<DateTime<Utc>>,
    pub(super) depends_on: Vec<String>,
}

impl Desired {
    pub(super) fn moves_ref(&self) -> bool {
        self.current_ref != self.values.git_ref
    }

    pub(super) fn new_text(&self) -> String {
        self.patch.apply(&self.old_text)
    }

    /// The change as it is to be merged; `name` is what people call its merge request.
    pub(super) fn change(&self, name: String) -> Change {
        Change::edit(self.path.clone(), Arc::clone(&self.old_text), self.patch.clone(), name)
    }

    pub(super) fn file(&self) -> FileEdit {
        file_edit(&self.path, &self.old_text, &self.patch)
    }

    /// What its commit declares.
    pub(super) fn member(&self) -> Member {
        Member {
            path: self.path.clone(),
            targets: self.targets.iter().cloned().collect(),
            values: self.values.clone(),
        }
    }

    /// About how long the declaration is, in bytes.
    pub(super) fn declared_bytes(&self) -> usize {
        let hashes = self.values.hashes.iter().map(|hash| {
            hash.channel.len() + hash.parent_saas.len() + hash.target_config_hash.len()
        });
        // Each byte may be percent-encoded; a uid has 40 or 64 digits.
        let names = self.path.as_str().len() + self.values.git_ref.len() + hashes.sum::<usize>();
        let files: usize = self.depends_on.iter().map(String::len).sum();
        65 * self.targets.len() + 3 * (names + files)
    }

    /// Is it what a commit declares?
    pub(super) fn is_declared_by(&self, member: &Member) -> bool {
        self.values == member.values
            && self.path == member.path
            && member.targets.iter().eq(&self.targets)
    }

    /// The edits that it makes.
    pub(super) fn edits(&self, inventory: &Inventory) -> Vec<TargetEdit> {
        edits(inventory, &self.members, &self.values, self.mode)
    }
}

/// A file as it is to be written.
pub(super) fn file_edit(path: &RepoPath, old_text: &str, patch: &Patch) -> FileEdit {
    FileEdit {
        path: path.clone(),
        content: patch.apply(old_text).into(),
        diff: diff::unified_diff(path.as_str(), old_text, patch),
    }
}

/// Tries every edit that the decisions ask for on the texts that were read.
impl EditChecker for Bundle {
    fn find_unsafe(&self, inventory: &Inventory, decisions: &Decisions) -> Vec<(TargetIx, String)> {
        let by_key = members_by_key(inventory, decisions);
        let mut refused: BTreeMap<&EditSiteKey, String> = BTreeMap::new();
        for (key, patch) in patches(inventory, self, decisions, &by_key) {
            refused.extend(patch.err().map(|message| (key, message)));
        }
        for (&key, members) in &by_key {
            if let Err(EditSiteState::Error(message)) = due(decisions, members) {
                refused.insert(key, message);
            }
        }
        let promotes = |member: &TargetIx| decisions.subscribers[member].promotes();
        let refused = refused.into_iter().flat_map(|(key, message)| {
            let members = by_key[key].iter().filter(|member| promotes(member));
            members.map(move |&member| (member, message.clone())).collect::<Vec<_>>()
        });
        refused.collect()
    }
}

/// What each promotion changes in its file, or why it cannot be edited. All promotions of a file are tried at once.
fn patches<'a>(
    inventory: &Inventory,
    bundle: &Bundle,
    decisions: &Decisions,
    by_key: &BTreeMap<&'a EditSiteKey, Vec<TargetIx>>,
) -> BTreeMap<&'a EditSiteKey, Result<Patch, String>> {
    let mut by_file: BTreeMap<&str, (Vec<&EditSiteKey>, Vec<Vec<TargetEdit>>)> = BTreeMap::new();
    for (&key, members) in by_key {
        let Ok(decision) = due(decisions, members) else { continue };
        let (keys, changes) =
            by_file.entry(&inventory.targets[members[0]].declared_at.file).or_default();
        keys.push(key);
        changes.push(edits(inventory, members, &values_of(decision), mode_of(decision)));
    }
    let mut patches = BTreeMap::new();
    for (file, (keys, changes)) in by_file {
        let tried: Vec<Result<Patch, String>> = match source(bundle, file) {
            Ok(tree) => {
                let tried = yaml11::try_each(tree, &changes).into_iter();
                tried.map(|patch| patch.map_err(unsafe_edit)).collect()
            }
            Err(message) => vec![Err(message); keys.len()],
        };
        patches.extend(keys.into_iter().zip(tried));
    }
    patches
}

/// What is wanted of each place whose subscribers were decided on.
///
/// It depends on nothing that planning asks for, and has every edit: made once for all the times that
/// a run plans.
pub struct DesiredStates<'a>(Vec<(&'a EditSiteKey, Vec<TargetIx>, EditSiteState)>);

impl<'a> DesiredStates<'a> {
    /// Makes every edit that the decisions ask for.
    pub fn of(inventory: &'a Inventory, bundle: &Bundle, decisions: &Decisions) -> Self {
        let by_key = members_by_key(inventory, decisions);
        let mut patches = patches(inventory, bundle, decisions, &by_key);
        let desired_states = by_key.into_iter().map(|(key, members)| {
            let state = state(inventory, bundle, decisions, &members, patches.remove(key));
            (key, members, state)
        });
        Self(desired_states.collect())
    }

    /// The same by branch.
    pub(super) fn groups(&self, prefix: &str, target_branch: &str) -> BTreeMap<String, Group> {
        let groups = self.0.iter().map(|(key, members, state)| {
            let branch = branch::name(prefix, target_branch, key);
            let group =
                Group { branch: branch.clone(), members: members.clone(), state: state.clone() };
            (branch, group)
        });
        groups.collect()
    }
}

/// The branch of a subscriber that was decided on.
pub fn branch_of(
    inventory: &Inventory,
    decisions: &Decisions,
    (prefix, target_branch): (&str, &str),
    subscriber: TargetIx,
) -> Option<String> {
    let mut groups = members_by_key(inventory, decisions).into_iter();
    let (key, _) = groups.find(|(_, members)| members.contains(&subscriber))?;
    Some(branch::name(prefix, target_branch, key))
}

/// Subscribers by place; one that gets a value of its own leaves the place that it shared.
fn members_by_key<'a>(
    inventory: &'a Inventory,
    decisions: &Decisions,
) -> BTreeMap<&'a EditSiteKey, Vec<TargetIx>> {
    let mut by_key: BTreeMap<&EditSiteKey, Vec<TargetIx>> = BTreeMap::new();
    for (&index, decision) in &decisions.subscribers {
        let own = &inventory.targets[index].key;
        let key = if decision.own_value { own } else { inventory.place_key(index) };
        by_key.entry(key).or_default().push(index);
    }
    by_key
}

/// The decision that a place is promoted by, or what is wanted of it else.
fn due<'a>(
    decisions: &'a Decisions,
    members: &[TargetIx],
) -> Result<&'a SubscriberDecision, EditSiteState> {
    let of = |outcome: Outcome| {
        members.iter().map(|member| &decisions.subscribers[member]).find(|d| d.outcome() == outcome)
    };
    if let Some(decision) = of(Outcome::Error) {
        return Err(EditSiteState::Error(decision.errors().first().cloned().unwrap_or_default()));
    }
    if let Some(decision) = of(Outcome::Hold) {
        let (gate, reason) = holding(decision);
        return Err(EditSiteState::Hold { gate, reason });
    }
    of(Outcome::Promote).ok_or(EditSiteState::NothingDue)
}

fn state(
    inventory: &Inventory,
    bundle: &Bundle,
    decisions: &Decisions,
    members: &[TargetIx],
    patch: Option<Result<Patch, String>>,
) -> EditSiteState {
    let decision = match due(decisions, members) {
        Ok(decision) => decision,
        Err(state) => return state,
    };
    let patch = patch.unwrap_or_else(|| Err("it was not tried".to_owned()));
    let mode = mode_of(decision);
    let values = values_of(decision);
    match patch.and_then(|patch| desired(inventory, bundle, members, (values, mode), patch)) {
        Ok(desired) => EditSiteState::Promote(Arc::new(Desired {
            promotable_since: decision.promotable_since,
            ..desired
        })),
        Err(message) => EditSiteState::Error(message),
    }
}

/// The gate that blocks, and why.
pub(super) fn holding(decision: &SubscriberDecision) -> (Gate, String) {
    let gate = decision.held_by().unwrap_or(Gate::EditSite);
    let verdict = decision.gates.iter().find(|verdict| verdict.gate == gate);
    (gate, verdict.map(|verdict| verdict.reason.clone()).unwrap_or_default())
}

fn values_of(decision: &SubscriberDecision) -> Values {
    Values { git_ref: decision.desired_ref.clone(), hashes: decision.desired_hashes.clone() }
}

fn mode_of(decision: &SubscriberDecision) -> AliasMode {
    if decision.own_value { AliasMode::OwnValue } else { AliasMode::InPlace }
}

pub(super) fn desired(
    inventory: &Inventory,
    bundle: &Bundle,
    members: &[TargetIx],
    (values, mode): (Values, AliasMode),
    patch: Patch,
) -> Result<Desired, String> {
    let first = &inventory.targets[members[0]];
    let tree = source(bundle, &first.declared_at.file)?;
    let targets: Vec<&Target> = members.iter().map(|&member| &inventory.targets[member]).collect();
    let mut uids: Vec<_> = targets.iter().map(|target| target.uid.clone()).collect();
    uids.sort();
    let mut depends_on: Vec<String> = targets
        .iter()
        .flat_map(|target| [&target.file, &target.declared_at.file, &target.namespace.path])
        .cloned()
        .collect();
    depends_on.sort();
    depends_on.dedup();
    Ok(Desired {
        members: members.to_vec(),
        targets: uids,
        current_ref: first.current_ref().to_owned(),
        values,
        mode,
        path: RepoPath::of_datafile(&first.declared_at.file),
        old_text: tree.shared_text(),
        patch,
        promotable_since: None,
        depends_on,
    })
}
