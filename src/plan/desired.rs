//! From decisions to desired changes: one for each edit site that is to be promoted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use similar::{ChangeTag, TextDiff};

use super::branch;
use super::model::FileEdit;
use super::trailers::{Trailers, Values, patch_digest, text_digest};
use crate::app_interface::Bundle;
use crate::decide::{Decision, Decisions, GateName, Outcome};
use crate::domain::{CommitSha, TargetUid};
use crate::inventory::{Inventory, PlaceKey, Target};
use crate::yaml::{self, HashEdit, RefMode, TargetEdit, Tree};

/// What a branch is for: an edit site, or a single target that gets a value of its own.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) branch: String,
    /// Subscribers, as indexes, in inventory order.
    pub(super) members: Vec<usize>,
    pub(super) wish: Wish,
}

/// What is wanted of a group.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    Promote(Box<Desired>),
    /// A gate holds it: which, and why.
    Hold {
        gate: GateName,
        reason: String,
    },
    NothingDue,
    /// Facts are missing, or it cannot be edited.
    Error(String),
}

/// A change that is due.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    pub(super) members: Vec<usize>,
    pub(super) targets: Vec<TargetUid>,
    pub(super) current_ref: String,
    pub(super) values: Values,
    /// From the repository's root.
    pub(super) path: String,
    pub(super) old_text: String,
    pub(super) new_text: String,
    pub(super) promotable_since: Option<DateTime<Utc>>,
    pub(super) depends_on: Vec<String>,
}

impl Desired {
    pub(super) fn moves_ref(&self) -> bool {
        self.current_ref != self.values.git_ref
    }

    pub(super) fn file(&self) -> FileEdit {
        FileEdit {
            path: self.path.clone(),
            content: self.new_text.clone(),
            diff: unified_diff(&self.path, &self.old_text, &self.new_text),
        }
    }

    pub(super) fn trailers(&self, target_branch: &str, base: &CommitSha) -> Trailers {
        let diff = TextDiff::from_lines(&self.old_text, &self.new_text);
        let lines = |tag: ChangeTag| {
            diff.iter_all_changes()
                .filter(move |change| change.tag() == tag)
                .map(|change| change.value())
                .collect::<Vec<_>>()
        };
        Trailers {
            targets: self.targets.iter().cloned().collect(),
            target_branch: target_branch.to_owned(),
            path: self.path.clone(),
            values: self.values.clone(),
            base: base.clone(),
            base_digest: text_digest(&self.old_text),
            text_digest: text_digest(&self.new_text),
            patch: patch_digest(
                lines(ChangeTag::Delete).into_iter(),
                lines(ChangeTag::Insert).into_iter(),
            ),
            depends_on: self.depends_on.iter().cloned().collect(),
        }
    }
}

fn unified_diff(path: &str, old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}

/// Tries every edit that the decisions ask for: a promotion that cannot be
/// written safely is no promotion, but an error of its targets.
pub fn check_edits(inventory: &Inventory, bundle: &Bundle, decisions: &mut Decisions) {
    for members in members_by_key(inventory, decisions).into_values() {
        let Wish::Error(message) = wish(inventory, bundle, decisions, &members) else { continue };
        for member in members {
            let promoted = decisions.subscribers.get(&member);
            if promoted.is_some_and(|decision| decision.outcome == Outcome::Promote) {
                decisions.fail(inventory, member, "unsafe_edit", &message);
            }
        }
    }
}

/// All groups whose subscribers were decided on, by branch.
pub(super) fn groups(
    inventory: &Inventory,
    bundle: &Bundle,
    decisions: &Decisions,
    target_branch: &str,
) -> BTreeMap<String, Group> {
    let mut groups = BTreeMap::new();
    for (key, members) in members_by_key(inventory, decisions) {
        let branch = branch::name(target_branch, key);
        let wish = wish(inventory, bundle, decisions, &members);
        groups.insert(branch.clone(), Group { branch, members, wish });
    }
    groups
}

/// The branch of a subscriber that was decided on.
pub fn branch_of(
    inventory: &Inventory,
    decisions: &Decisions,
    target_branch: &str,
    subscriber: usize,
) -> Option<String> {
    let mut groups = members_by_key(inventory, decisions).into_iter();
    let (key, _) = groups.find(|(_, members)| members.contains(&subscriber))?;
    Some(branch::name(target_branch, key))
}

/// Subscribers by place; one that gets a value of its own leaves the place that it shared.
fn members_by_key<'a>(
    inventory: &'a Inventory,
    decisions: &Decisions,
) -> BTreeMap<&'a PlaceKey, Vec<usize>> {
    let mut by_key: BTreeMap<&PlaceKey, Vec<usize>> = BTreeMap::new();
    for (&index, decision) in &decisions.subscribers {
        let own = &inventory.targets[index].key;
        let key = if decision.own_value { own } else { inventory.place_key(index) };
        by_key.entry(key).or_default().push(index);
    }
    by_key
}

fn wish(inventory: &Inventory, bundle: &Bundle, decisions: &Decisions, members: &[usize]) -> Wish {
    let of = |outcome: Outcome| {
        members.iter().map(|member| &decisions.subscribers[member]).find(|d| d.outcome == outcome)
    };
    if let Some(decision) = of(Outcome::Error) {
        return Wish::Error(decision.errors.first().cloned().unwrap_or_default());
    }
    if let Some(decision) = of(Outcome::Hold) {
        let (gate, reason) = holding(decision);
        return Wish::Hold { gate, reason };
    }
    match of(Outcome::Promote) {
        None => Wish::NothingDue,
        Some(decision) => {
            let mode = if decision.own_value { RefMode::OwnValue } else { RefMode::InPlace };
            match desired(inventory, bundle, members, decision, (values_of(decision), mode)) {
                Ok(desired) => Wish::Promote(Box::new(desired)),
                Err(message) => Wish::Error(message),
            }
        }
    }
}

/// The gate that holds, and why.
pub(super) fn holding(decision: &Decision) -> (GateName, String) {
    let gate = decision.held_by.unwrap_or(GateName::EditSite);
    let verdict = decision.gates.iter().find(|verdict| verdict.gate == gate);
    (gate, verdict.map(|verdict| verdict.reason.clone()).unwrap_or_default())
}

fn values_of(decision: &Decision) -> Values {
    Values { git_ref: decision.desired_ref.clone(), hashes: decision.desired_hashes.clone() }
}

fn desired(
    inventory: &Inventory,
    bundle: &Bundle,
    members: &[usize],
    decision: &Decision,
    (values, mode): (Values, RefMode),
) -> Result<Desired, String> {
    let first = &inventory.targets[members[0]];
    let tree = bundle
        .sources
        .get(&first.place.file)
        .ok_or_else(|| format!("the text of {} is not at hand", first.place.file))?;
    let new_text = edited(tree, inventory, members, &values, mode)?;
    let targets: Vec<&Target> = members.iter().map(|&member| &inventory.targets[member]).collect();
    let mut uids: Vec<_> = targets.iter().map(|target| target.uid.clone()).collect();
    uids.sort();
    let mut depends_on: Vec<String> = targets
        .iter()
        .flat_map(|target| [&target.file, &target.place.file, &target.namespace.path])
        .cloned()
        .collect();
    depends_on.sort();
    depends_on.dedup();
    Ok(Desired {
        members: members.to_vec(),
        targets: uids,
        current_ref: first.git_ref.clone().unwrap_or_default(),
        values,
        path: format!("data{}", first.place.file),
        old_text: tree.text().to_owned(),
        new_text,
        promotable_since: decision.promotable_since,
        depends_on,
    })
}

/// What a request writes, made on the target branch as it is: its values for those among `members`
/// that it is about, and for nobody else; `None` if that cannot be.
pub(super) fn with_values(
    inventory: &Inventory,
    bundle: &Bundle,
    decisions: &Decisions,
    members: &[usize],
    trailers: &Trailers,
) -> Option<Desired> {
    let node = |member: &usize| inventory.targets[*member].node;
    let is_named = |at: &&usize| trailers.targets.contains(&inventory.targets[**at].uid);
    let named: BTreeSet<_> = members.iter().filter(is_named).map(node).collect();
    // A declaration moves as one.
    let members: Vec<usize> =
        members.iter().copied().filter(|member| named.contains(&node(member))).collect();
    let mode = mode_for(inventory, &members)?;
    let decision = decisions.subscribers.get(members.first()?)?;
    desired(inventory, bundle, &members, decision, (trailers.values.clone(), mode)).ok()
}

/// These values written to a whole place, the one that a subscriber shares.
pub(super) fn of_place(
    inventory: &Inventory,
    bundle: &Bundle,
    decisions: &Decisions,
    subscriber: usize,
    values: &Values,
) -> Option<Desired> {
    let site = inventory.sites.get(inventory.site_of.get(&subscriber)?)?;
    let decision = decisions.subscribers.get(&subscriber)?;
    let how = (values.clone(), RefMode::InPlace);
    desired(inventory, bundle, &site.members, decision, how).ok()
}

/// How the refs of these subscribers are written so that nobody else's moves.
fn mode_for(inventory: &Inventory, members: &[usize]) -> Option<RefMode> {
    let site = inventory.sites.get(inventory.site_of.get(members.first()?)?)?;
    if site.members == members && site.foreign_users.is_empty() && site.refused.is_empty() {
        return Some(RefMode::InPlace);
    }
    members.iter().all(|&member| site.can_leave(member)).then_some(RefMode::OwnValue)
}

fn edited(
    tree: &Tree,
    inventory: &Inventory,
    members: &[usize],
    values: &Values,
    ref_mode: RefMode,
) -> Result<String, String> {
    let mut edits: Vec<TargetEdit> = Vec::new();
    for &member in members {
        let target = &inventory.targets[member];
        if edits.iter().any(|edit| edit.target == target.node) {
            continue;
        }
        edits.push(TargetEdit {
            target: target.node,
            new_ref: (target.git_ref.as_ref() != Ok(&values.git_ref))
                .then(|| values.git_ref.clone()),
            ref_mode,
            hashes: values
                .hashes
                .iter()
                .filter(|hash| !target.promotion.current_hashes.contains(hash))
                .map(|hash| HashEdit {
                    channel: hash.channel.clone(),
                    parent_saas: hash.parent_saas.clone(),
                    target_config_hash: hash.target_config_hash.clone(),
                })
                .collect(),
        });
    }
    yaml::edit(tree, &edits).map_err(|error| format!("it cannot be edited safely: {error}"))
}
