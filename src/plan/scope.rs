//! What a run is about: the subscribers that it decides on, and the publishers
//! that it has to look at for them.

use std::collections::BTreeSet;

use super::settings::TargetFilter;
use super::sharding;
use crate::decide::followed;
use crate::domain::{Problem, TargetUid};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::snapshot::Snapshot;

/// What a run is about.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    filter: TargetFilter,
    /// Subscribers of other nodes that are decided on as well.
    beside: BTreeSet<TargetUid>,
    /// Publishers to look at; `None`: all.
    publishers: Option<BTreeSet<TargetIx>>,
    /// Publishers whose problems are this run's to report; `None`: all.
    reported: Option<BTreeSet<TargetIx>>,
}

impl Scope {
    /// The scope of a run, once it is known which branches there are.
    ///
    /// A node of several looks at the publishers that its own subscribers follow, and at those of its own saas files,
    /// which it exports.
    pub fn new(filter: &TargetFilter, inventory: &Inventory, snapshot: &Snapshot) -> Self {
        let mut scope = Self { filter: filter.clone(), ..Self::default() };
        let Some(share) = filter.share else { return scope };
        scope.beside = sharding::beside(inventory, snapshot, Some(share));
        let mut reported = followed(inventory, &|target| scope.decides(target));
        let targets = inventory.targets.indexed();
        let own = targets.filter(|(_, target)| share.has(&target.file)).map(|(index, _)| index);
        let own: BTreeSet<TargetIx> = own.collect();
        scope.publishers = Some(reported.union(&own).copied().collect());
        // What nobody follows is still to be reported by somebody.
        let undivided = TargetFilter { share: None, ..filter.clone() };
        let anybodys = followed(inventory, &|target| undivided.includes(target));
        reported.extend(own.difference(&anybodys));
        scope.reported = Some(reported);
        scope
    }

    /// Which subscribers it is about.
    pub fn filter(&self) -> &TargetFilter {
        &self.filter
    }

    /// Is this subscriber decided on?
    pub fn decides(&self, target: &Target) -> bool {
        self.filter.includes(target)
            || (self.beside.contains(&target.uid) && self.filter.names(target))
    }

    /// Publishers to look at, as indexes into the inventory's targets; `None`: all.
    pub fn publishers(&self) -> Option<&BTreeSet<TargetIx>> {
        self.publishers.as_ref()
    }

    /// Is this publisher looked at?
    pub fn looks_at(&self, publisher: TargetIx) -> bool {
        self.publishers.as_ref().is_none_or(|publishers| publishers.contains(&publisher))
    }

    /// Are this publisher's problems this run's to report?
    pub fn reports(&self, publisher: TargetIx) -> bool {
        self.reported.as_ref().is_none_or(|reported| reported.contains(&publisher))
    }

    /// Is a problem of the config repo this run's to report? Those without a file are the first node's.
    pub fn reports_problem(&self, problem: &Problem) -> bool {
        self.filter.share.is_none_or(|share| match &problem.file {
            Some(file) => share.has(file),
            None => share.is_first(),
        })
    }
}
