//! Edits of target refs and config hashes, made on the texts at hand.

use std::collections::BTreeSet;

use super::desired::{Desired, desired};
use super::trailers::{Member, Values};
use crate::app_interface::{Bundle, HashEdit, TargetEdit};
use crate::inventory::{Inventory, Target, TargetIx};
use yaml11::{AliasMode, EditError, Patch, Tree};

/// The text of the file that these targets are in, with their new values.
pub(super) fn edited(
    inventory: &Inventory,
    bundle: &Bundle,
    members: &[TargetIx],
    values: &Values,
    mode: AliasMode,
) -> Result<String, String> {
    let (tree, patch) = patch_of(inventory, bundle, members, values, mode)?;
    Ok(patch.apply(tree.text()))
}

/// The file that these targets are in, and what giving them these values changes in it.
fn patch_of<'a>(
    inventory: &Inventory,
    bundle: &'a Bundle,
    members: &[TargetIx],
    values: &Values,
    mode: AliasMode,
) -> Result<(&'a Tree, Patch), String> {
    let first = members.first().ok_or("no target is named")?;
    let tree = source(bundle, &inventory.targets[*first].declared_at.file)?;
    let patch =
        yaml11::patch(tree, &edits(inventory, members, values, mode)).map_err(unsafe_edit)?;
    Ok((tree, patch))
}

/// The subscribers that a commit names for one edit site.
pub(super) fn named(inventory: &Inventory, declared: &Member) -> Vec<TargetIx> {
    let named = |(_, target): &(TargetIx, &Target)| declared.targets.contains(&target.uid);
    inventory.subscribers().filter(named).map(|(index, _)| index).collect()
}

/// What a merge request writes at one edit site, made on the texts at hand: its values for those among `members`
/// that it is about, and for nobody else; `None` if that cannot be.
pub(super) fn with_values(
    inventory: &Inventory,
    bundle: &Bundle,
    members: &[TargetIx],
    declared: &Member,
) -> Option<Desired> {
    let node = |member: &TargetIx| inventory.targets[*member].node;
    let is_named = |at: &&TargetIx| declared.targets.contains(&inventory.targets[**at].uid);
    let named: BTreeSet<_> = members.iter().filter(is_named).map(node).collect();
    // A declaration moves as one.
    let members: Vec<TargetIx> =
        members.iter().copied().filter(|member| named.contains(&node(member))).collect();
    let mode = mode_for(inventory, &members, &declared.values)?;
    let (_, patch) = patch_of(inventory, bundle, &members, &declared.values, mode).ok()?;
    desired(inventory, bundle, &members, (declared.values.clone(), mode), patch).ok()
}

/// These values written to a whole place, the one that a subscriber shares.
pub(super) fn of_place(
    inventory: &Inventory,
    bundle: &Bundle,
    subscriber: TargetIx,
    values: &Values,
) -> Option<Desired> {
    let site = inventory.sites.get(inventory.site_of.get(&subscriber)?)?;
    let mode = AliasMode::InPlace;
    let (_, patch) = patch_of(inventory, bundle, &site.members, values, mode).ok()?;
    desired(inventory, bundle, &site.members, (values.clone(), mode), patch).ok()
}

/// How the refs of these subscribers are written so that nobody else's moves.
fn mode_for(inventory: &Inventory, members: &[TargetIx], values: &Values) -> Option<AliasMode> {
    let site = inventory.sites.get(inventory.site_of.get(members.first()?)?)?;
    // Who shares the ref alone does not move where only config hashes are written.
    let leaves_ref = !site.shares_promotion
        && members.iter().all(|&at| inventory.targets[at].current_ref() == values.git_ref);
    if (site.members == members || leaves_ref)
        && site.foreign_users.is_empty()
        && site.refused.is_empty()
    {
        return Some(AliasMode::InPlace);
    }
    members.iter().all(|&member| site.can_leave(member)).then_some(AliasMode::OwnValue)
}

pub(super) fn source<'a>(bundle: &'a Bundle, file: &str) -> Result<&'a Tree, String> {
    let tree = bundle.tree(file).map(|tree| &**tree);
    tree.ok_or_else(|| format!("the text of {file} is not at hand"))
}

pub(super) fn unsafe_edit(error: EditError) -> String {
    format!("it cannot be edited safely: {error}")
}

pub(super) fn edits(
    inventory: &Inventory,
    members: &[TargetIx],
    values: &Values,
    ref_mode: AliasMode,
) -> Vec<TargetEdit> {
    let (mut edits, mut nodes): (Vec<TargetEdit>, BTreeSet<_>) = Default::default();
    for &member in members {
        let target = &inventory.targets[member];
        if !nodes.insert(target.node) {
            continue;
        }
        edits.push(TargetEdit {
            target: target.node,
            new_ref: (target.current_ref() != values.git_ref).then(|| values.git_ref.clone()),
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
