//! The config repo's project at a moment, and what a commit of the bot says.

use std::collections::{BTreeMap, BTreeSet};

use forge::{MergeRequest, MrState, ProjectHandle};
use percent_encoding::percent_decode_str;
use sapm::app_interface::CurrentHash;
use sapm::inventory::{Inventory, Target};
use sapm::run::ConfigRepo;

use super::driver::load_files;

pub const PREFIX: &str = "auto-promoter-v2/";

/// What stands in the trailers of a commit, read by other code than the bot's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    pub targets: BTreeSet<String>,
    pub git_ref: String,
    pub hashes: Vec<CurrentHash>,
    pub path: String,
}

impl Marks {
    pub fn parse(message: &str) -> Option<Self> {
        let field = |name: &str| {
            message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let hashes = field("Sapm-Hashes").unwrap_or_default();
        Some(Self::new(field("Sapm-Targets")?, field("Sapm-Path")?, field("Sapm-Ref")?, hashes))
    }

    fn new(targets: &str, path: &str, git_ref: &str, hashes: &str) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let hashes = hashes.split(',').filter(|hash| !hash.is_empty());
        let mut hashes: Vec<CurrentHash> = hashes
            .map(|hash| {
                let parts: Vec<_> = hash.split('=').map(decode).collect();
                let [channel, parent_saas, target_config_hash] = parts.try_into().unwrap();
                CurrentHash { channel, parent_saas, target_config_hash }
            })
            .collect();
        hashes.sort();
        let targets = targets.split(',').map(str::to_owned).collect();
        Self { targets, git_ref: decode(git_ref), hashes, path: decode(path) }
    }

    /// Of a commit; none if it is not one of the bot's for one place.
    pub fn of(project: &ProjectHandle, commit: &str) -> Option<Self> {
        Self::parse(&project.message(commit)?)
    }

    /// Of a commit of the bot, for each place that it changes; none if it is not one of the bot's.
    pub fn all_of(project: &ProjectHandle, commit: &str) -> Vec<Self> {
        let message = project.message(commit).unwrap_or_default();
        let places = message.lines().filter_map(|line| line.strip_prefix("Sapm-Place: "));
        let of_place = |place: &str| {
            let parts: Vec<&str> = place.split(';').collect();
            Self::new(parts[0], parts[1], parts[2], parts[3])
        };
        let all: Vec<Self> = places.map(of_place).collect();
        if all.is_empty() { Self::parse(&message).into_iter().collect() } else { all }
    }

    pub fn same_values(&self, other: &Self) -> bool {
        self.git_ref == other.git_ref && self.hashes == other.hashes
    }
}

pub fn is_unfinished(mr: &MergeRequest) -> bool {
    matches!(mr.state, MrState::Opened | MrState::Locked)
}

#[derive(Debug, Clone)]
pub struct Look {
    pub main: String,
    pub branches: BTreeMap<String, String>,
    pub merge_requests: BTreeMap<u64, MergeRequest>,
}

impl Look {
    pub fn take(project: &ProjectHandle) -> Self {
        Self {
            main: project.tip("main").unwrap(),
            branches: project.branches(),
            merge_requests: project.merge_requests().into_iter().map(|r| (r.iid, r)).collect(),
        }
    }

    /// Merge requests of the bot that are open, or being merged.
    pub fn open_of(&self, bot: u64) -> impl Iterator<Item = &MergeRequest> {
        let open = self.merge_requests.values().filter(|mr| is_unfinished(mr));
        open.filter(move |mr| mr.author == bot)
    }

    /// Is a merge request from this branch being merged?
    pub fn is_locked(&self, branch: &str) -> bool {
        let mut from = self.merge_requests.values().filter(|mr| mr.source_branch == branch);
        from.any(|mr| mr.state == MrState::Locked)
    }

    pub fn tip(&self, mr: &MergeRequest) -> Option<&String> {
        self.branches.get(&mr.source_branch)
    }
}

/// What the bot's newest commit of a merge request says, whoever stands on its branch now.
pub fn taken_over_from(project: &ProjectHandle, mr: &MergeRequest) -> Vec<Marks> {
    let heads = mr.versions.iter().rev().map(|version| &version.head);
    let mut all = heads.map(|commit| Marks::all_of(project, commit));
    all.find(|all| !all.is_empty()).unwrap_or_default()
}

/// Does a target move when a merge request with these marks is merged: as it is named, or as its
/// declaration is that of one that is (others may have joined since)?
pub fn moves_with(inventory: &Inventory, target: &Target, marks: &Marks) -> bool {
    let named = |target: &Target| marks.targets.contains(target.uid.as_str());
    let place = &target.declared_at.file;
    let declared_alike =
        |other: &Target| other.declared_at.file == *place && other.node == target.node;
    named(target)
        || *place != target.file && marks.path == format!("data{place}")
        || inventory.targets.iter().any(|other| named(other) && declared_alike(other))
}

/// The targets whose ref or hashes change when a commit is merged into the target branch, of which
/// this is the inventory; none if it does not merge.
pub fn moved(project: &ProjectHandle, old: &Inventory, commit: &str) -> Option<BTreeSet<String>> {
    let new = load_files(&project.try_merge("main", &[commit]).ok()?).inventory;
    let values =
        |target: &Target| (target.git_ref.clone(), target.promotion.current_hashes.clone());
    let same = |target: &Target| {
        let mut new = new.targets.iter().filter(|new| new.uid == target.uid);
        new.any(|new| values(new) == values(target))
    };
    let moved = old.targets.iter().filter(|target| !same(target));
    Some(moved.map(|target| target.uid.to_string()).collect())
}

/// Of the targets that a commit names those that it is about: a target may have left the place that
/// the commit changes.
pub fn about(
    inventory: &Inventory,
    marks: &Marks,
    moved: Option<&BTreeSet<String>>,
) -> BTreeSet<String> {
    let is_about = |uid: &&String| {
        let target = inventory.targets.iter().find(|target| target.uid.as_str() == **uid);
        target.is_none_or(|target| match moved {
            Some(moved) => moved.contains(*uid),
            None => marks.path == format!("data{}", target.declared_at.file),
        })
    };
    marks.targets.iter().filter(is_about).cloned().collect()
}

/// Do two config repos differ in the refs and hashes of exactly these targets,
/// which are as `wanted` says, and in no file but theirs? A target whose ref or
/// hashes a person has changed since `base` keeps that.
pub fn exact(
    base: Option<&Inventory>,
    (old_files, old): (&super::config::Files, &Inventory),
    new_files: &super::config::Files,
    wanted: &[&Marks],
) -> Result<(), String> {
    let mut paths: BTreeSet<&String> = BTreeSet::new();
    for path in old_files.keys().chain(new_files.keys()) {
        if old_files.get(path) != new_files.get(path) {
            paths.insert(path);
        }
    }
    let allowed: BTreeSet<&String> = wanted.iter().map(|marks| &marks.path).collect();
    if !paths.is_subset(&allowed) {
        return Err(format!("changes {paths:?}, and should change {allowed:?} only"));
    }
    let ConfigRepo { bundle, inventory: new } = load_files(new_files);
    if old.targets.len() != new.targets.len() {
        return Err(format!(
            "there were {} targets, now {}: {:?}",
            old.targets.len(),
            new.targets.len(),
            bundle.problems
        ));
    }
    for before in &old.targets {
        let uid = &before.uid;
        let after = new.targets.iter().find(|target| target.uid == *uid);
        let after = after.ok_or_else(|| format!("{} is gone", before.label()))?;
        let label = before.label();
        let marks = wanted.iter().find(|marks| moves_with(old, before, marks));
        let git_ref = marks.map_or_else(
            || before.git_ref.clone(),
            |m| Ok(sapm::domain::GitRef::new(m.git_ref.clone())),
        );
        let in_base = base.and_then(|base| base.targets.iter().find(|target| target.uid == *uid));
        let by_hand = base.is_some()
            && in_base.is_none_or(|target| target.git_ref != before.git_ref)
            && after.git_ref == before.git_ref;
        if after.git_ref != git_ref && !by_hand {
            return Err(format!("{label} has {:?} and should have {git_ref:?}", after.git_ref));
        }
        let mut hashes = before.promotion.current_hashes.clone();
        if let Some(marks) = marks {
            let replaced =
                |hash: &CurrentHash| marks.hashes.iter().any(|new| new.channel == hash.channel);
            hashes.retain(|hash| !replaced(hash));
            hashes.extend(marks.hashes.iter().cloned());
        }
        let mut have = after.promotion.current_hashes.clone();
        hashes.sort();
        have.sort();
        let mut had = before.promotion.current_hashes.clone();
        had.sort();
        let by_hand = base.is_some()
            && in_base
                .is_none_or(|it| it.promotion.current_hashes != before.promotion.current_hashes)
            && have == had;
        if have != hashes && !by_hand {
            return Err(format!("{label} has the hashes {have:?} and should have {hashes:?}"));
        }
        if (before.promotion.auto, &before.promotion.subscribe, &before.promotion.schedule)
            != (after.promotion.auto, &after.promotion.subscribe, &after.promotion.schedule)
        {
            return Err(format!("{label} has another promotion block"));
        }
    }
    Ok(())
}
