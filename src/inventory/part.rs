//! A part of the inventory: the targets of one question and everything that decides about them.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Inventory;
use super::sites::{EditSite, SiteId};
use super::targets::{TargetIx, Targets};

impl Inventory {
    /// These targets and all that decisions on them depend on: the publishers of their channels,
    /// the targets at the same edit site, and so on up to targets that subscribe to nothing.
    pub fn upstream(&self, of: impl IntoIterator<Item = TargetIx>) -> BTreeSet<TargetIx> {
        self.reach(of, |index| {
            let target = &self.targets[index];
            let follows = target.is_subscriber().then_some(&target.promotion.subscribe);
            let channels = follows.into_iter().flatten();
            let publishers = channels.filter_map(|channel| self.publishers.get(channel)).flatten();
            publishers.copied().chain(self.mates(index)).collect()
        })
    }

    /// These targets and all that are promoted after them: the subscribers of their channels,
    /// the targets at the same edit site, and so on to the end of the chain.
    pub fn downstream(&self, of: impl IntoIterator<Item = TargetIx>) -> BTreeSet<TargetIx> {
        let mut followers: BTreeMap<&str, Vec<TargetIx>> = BTreeMap::new();
        for (index, target) in self.subscribers() {
            for channel in &target.promotion.subscribe {
                followers.entry(channel).or_default().push(index);
            }
        }
        self.reach(of, |index| {
            let channels = self.targets[index].promotion.publish.iter();
            let following =
                channels.filter_map(|channel| followers.get(channel.as_str())).flatten();
            following.copied().chain(self.mates(index)).collect()
        })
    }

    /// Subscribers that are edited in the same file: their merge requests may conflict.
    pub fn in_same_file(&self, index: TargetIx) -> impl Iterator<Item = TargetIx> {
        let file = &self.targets[index].declared_at.file;
        self.subscribers().filter(move |(_, other)| other.declared_at.file == *file).map(|(i, _)| i)
    }

    /// The subscribers at the edit site of a subscriber, itself included.
    fn mates(&self, index: TargetIx) -> impl Iterator<Item = TargetIx> {
        let site = self.site_of.get(&index).and_then(|site| self.sites.get(site));
        site.into_iter().flat_map(|site| site.members.iter().copied())
    }

    fn reach(
        &self,
        of: impl IntoIterator<Item = TargetIx>,
        next: impl Fn(TargetIx) -> Vec<TargetIx>,
    ) -> BTreeSet<TargetIx> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<TargetIx> = of.into_iter().collect();
        while let Some(index) = waiting.pop() {
            if reached.insert(index) {
                waiting.extend(next(index));
            }
        }
        reached
    }

    /// The inventory of these targets alone, in the same order. Exact for targets whose
    /// [`upstream`](Self::upstream) is in `keep`; contains the problems of their files.
    #[must_use]
    pub fn only(&self, keep: &BTreeSet<TargetIx>) -> Self {
        let mut targets = Targets::default();
        let kept = keep.iter().map(|&old| (old, targets.push(self.targets[old].clone())));
        let new: BTreeMap<TargetIx, TargetIx> = kept.collect();
        let renumber = |old: &[TargetIx]| -> Vec<TargetIx> {
            old.iter().filter_map(|index| new.get(index).copied()).collect()
        };
        let subscribers = renumber(&self.subscribers);
        let subscribed = subscribers
            .iter()
            .flat_map(|&index| targets[index].promotion.subscribe.iter().cloned())
            .collect();
        let publishers = self
            .publishers
            .iter()
            .map(|(channel, publishers)| (channel.clone(), renumber(publishers)))
            .filter(|(_, publishers)| !publishers.is_empty())
            .collect();
        let sites: BTreeMap<SiteId, EditSite> = self
            .sites
            .iter()
            .filter(|(_, site)| site.members.iter().any(|member| keep.contains(member)))
            .map(|(id, site)| {
                let aliases: Vec<TargetIx> = site.aliases.iter().copied().collect();
                let site = EditSite {
                    members: renumber(&site.members),
                    aliases: renumber(&aliases).into_iter().collect(),
                    ..site.clone()
                };
                (id.clone(), site)
            })
            .collect();
        let site_of = self
            .site_of
            .iter()
            .filter_map(|(old, site)| Some((*new.get(old)?, site.clone())))
            .collect();
        let refused = self.refused.clone();
        let problems = Vec::new();
        let mut part = Self {
            targets,
            refused,
            subscribers,
            publishers,
            subscribed,
            sites,
            site_of,
            problems,
            doubts: vec![],
        };
        let files = part.files();
        let about = |file: &Option<String>| file.as_ref().is_some_and(|file| files.contains(file));
        part.problems =
            self.problems.iter().filter(|problem| about(&problem.file)).cloned().collect();
        part
    }

    /// The datafiles that the targets are declared in, by path below `data/` with a leading slash.
    pub fn files(&self) -> BTreeSet<String> {
        let of = |target: &super::Target| {
            let slos = target.slos.iter().flatten().map(|document| document.path.clone());
            let own =
                [&target.file, &target.declared_at.file, &target.namespace.path, &target.app.path];
            own.into_iter().cloned().chain(slos).collect::<Vec<_>>()
        };
        self.targets.iter().flat_map(of).collect()
    }
}
