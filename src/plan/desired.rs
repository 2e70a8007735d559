//! From decisions to desired changes: one for each edit site that is to be promoted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use similar::TextDiff;

use super::branch;
use super::model::FileEdit;
use super::trailers::{Trailers, Values};
use crate::app_interface::Bundle;
use crate::decide::{Decision, Decisions, EditChecker, GateName, Outcome};
use crate::domain::TargetUid;
use crate::inventory::{Inventory, PlaceKey, Target};
use crate::yaml::{self, EditError, HashEdit, RefMode, TargetEdit, Tree};

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
    Promote(Arc<Desired>),
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

    pub(super) fn trailers(&self, target_branch: &str) -> Trailers {
        Trailers {
            targets: self.targets.iter().cloned().collect(),
            target_branch: target_branch.to_owned(),
            path: self.path.clone(),
            values: self.values.clone(),
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

/// Tries every edit that the decisions ask for on the texts that were read.
impl EditChecker for Bundle {
    fn find_unsafe(&self, inventory: &Inventory, decisions: &Decisions) -> Vec<(usize, String)> {
        let by_key = members_by_key(inventory, decisions);
        let mut refused: BTreeMap<&PlaceKey, String> = BTreeMap::new();
        let mut by_file: BTreeMap<&str, (Vec<&PlaceKey>, Vec<Vec<TargetEdit>>)> = BTreeMap::new();
        for (&key, members) in &by_key {
            match due(decisions, members) {
                Ok(decision) => {
                    let file = &inventory.targets[members[0]].place.file;
                    let (keys, changes) = by_file.entry(file).or_default();
                    keys.push(key);
                    changes.push(edits(
                        inventory,
                        members,
                        &values_of(decision),
                        mode_of(decision),
                    ));
                }
                Err(Wish::Error(message)) => {
                    refused.insert(key, message);
                }
                Err(_) => {}
            }
        }
        for (file, (keys, changes)) in by_file {
            let answers = try_edits(self, file, &changes);
            let answers = keys.into_iter().zip(answers);
            refused.extend(answers.filter_map(|(key, answer)| Some((key, answer.err()?))));
        }
        let promotes = |member: &usize| decisions.subscribers[member].outcome == Outcome::Promote;
        let refused = refused.into_iter().flat_map(|(key, message)| {
            let members = by_key[key].iter().filter(|member| promotes(member));
            members.map(move |&member| (member, message.clone())).collect::<Vec<_>>()
        });
        refused.collect()
    }
}

/// Whether each change of a file can be made on its own.
fn try_edits(bundle: &Bundle, file: &str, changes: &[Vec<TargetEdit>]) -> Vec<Result<(), String>> {
    match source(bundle, file) {
        Ok(tree) => {
            let answers = yaml::try_each(tree, changes).into_iter();
            answers.map(|answer| answer.map_err(unsafe_edit)).collect()
        }
        Err(message) => vec![Err(message); changes.len()],
    }
}

/// What is wanted of each place whose subscribers were decided on.
///
/// It depends on nothing that planning asks for, and has every edited text: made once for all the
/// times that a run plans.
pub struct Wishes<'a>(Vec<(&'a PlaceKey, Vec<usize>, Wish)>);

impl<'a> Wishes<'a> {
    /// Makes every edit that the decisions ask for.
    pub fn of(inventory: &'a Inventory, bundle: &Bundle, decisions: &Decisions) -> Self {
        let by_key = members_by_key(inventory, decisions).into_iter();
        Self(
            by_key
                .map(|(key, members)| {
                    let wish = wish(inventory, bundle, decisions, &members);
                    (key, members, wish)
                })
                .collect(),
        )
    }

    /// The same by branch.
    pub(super) fn groups(&self, target_branch: &str) -> BTreeMap<String, Group> {
        let groups = self.0.iter().map(|(key, members, wish)| {
            let branch = branch::name(target_branch, key);
            let group =
                Group { branch: branch.clone(), members: members.clone(), wish: wish.clone() };
            (branch, group)
        });
        groups.collect()
    }
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

/// The decision that a place is promoted by, or what is wanted of it else.
fn due<'a>(decisions: &'a Decisions, members: &[usize]) -> Result<&'a Decision, Wish> {
    let of = |outcome: Outcome| {
        members.iter().map(|member| &decisions.subscribers[member]).find(|d| d.outcome == outcome)
    };
    if let Some(decision) = of(Outcome::Error) {
        return Err(Wish::Error(decision.errors.first().cloned().unwrap_or_default()));
    }
    if let Some(decision) = of(Outcome::Hold) {
        let (gate, reason) = holding(decision);
        return Err(Wish::Hold { gate, reason });
    }
    of(Outcome::Promote).ok_or(Wish::NothingDue)
}

fn wish(inventory: &Inventory, bundle: &Bundle, decisions: &Decisions, members: &[usize]) -> Wish {
    let decision = match due(decisions, members) {
        Ok(decision) => decision,
        Err(wish) => return wish,
    };
    match desired(inventory, bundle, members, values_of(decision), mode_of(decision)) {
        Ok(desired) => Wish::Promote(Arc::new(Desired {
            promotable_since: decision.promotable_since,
            ..desired
        })),
        Err(message) => Wish::Error(message),
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

fn mode_of(decision: &Decision) -> RefMode {
    if decision.own_value { RefMode::OwnValue } else { RefMode::InPlace }
}

fn desired(
    inventory: &Inventory,
    bundle: &Bundle,
    members: &[usize],
    values: Values,
    mode: RefMode,
) -> Result<Desired, String> {
    let first = &inventory.targets[members[0]];
    let tree = source(bundle, &first.place.file)?;
    let new_text = edited(inventory, bundle, members, &values, mode)?;
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
        promotable_since: None,
        depends_on,
    })
}

/// The text of the file that these targets are in, with their new values.
pub(super) fn edited(
    inventory: &Inventory,
    bundle: &Bundle,
    members: &[usize],
    values: &Values,
    mode: RefMode,
) -> Result<String, String> {
    let first = members.first().ok_or("no target is named")?;
    let tree = source(bundle, &inventory.targets[*first].place.file)?;
    yaml::edit(tree, &edits(inventory, members, values, mode)).map_err(unsafe_edit)
}

/// The subscribers that a commit names.
pub(super) fn named(inventory: &Inventory, trailers: &Trailers) -> Vec<usize> {
    let named = |(_, target): &(usize, &Target)| trailers.targets.contains(&target.uid);
    inventory.subscribers().filter(named).map(|(index, _)| index).collect()
}

/// What a request writes, made on the texts at hand: its values for those among `members`
/// that it is about, and for nobody else; `None` if that cannot be.
pub(super) fn with_values(
    inventory: &Inventory,
    bundle: &Bundle,
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
    desired(inventory, bundle, &members, trailers.values.clone(), mode).ok()
}

/// These values written to a whole place, the one that a subscriber shares.
pub(super) fn of_place(
    inventory: &Inventory,
    bundle: &Bundle,
    subscriber: usize,
    values: &Values,
) -> Option<Desired> {
    let site = inventory.sites.get(inventory.site_of.get(&subscriber)?)?;
    desired(inventory, bundle, &site.members, values.clone(), RefMode::InPlace).ok()
}

/// How the refs of these subscribers are written so that nobody else's moves.
fn mode_for(inventory: &Inventory, members: &[usize]) -> Option<RefMode> {
    let site = inventory.sites.get(inventory.site_of.get(members.first()?)?)?;
    if site.members == members && site.foreign_users.is_empty() && site.refused.is_empty() {
        return Some(RefMode::InPlace);
    }
    members.iter().all(|&member| site.can_leave(member)).then_some(RefMode::OwnValue)
}

fn source<'a>(bundle: &'a Bundle, file: &str) -> Result<&'a Tree, String> {
    let tree = bundle.sources.get(file).map(|tree| &**tree);
    tree.ok_or_else(|| format!("the text of {file} is not at hand"))
}

fn unsafe_edit(error: EditError) -> String {
    format!("it cannot be edited safely: {error}")
}

fn edits(
    inventory: &Inventory,
    members: &[usize],
    values: &Values,
    ref_mode: RefMode,
) -> Vec<TargetEdit> {
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
    edits
}
