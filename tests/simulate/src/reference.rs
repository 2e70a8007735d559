//! An imitation of the batcher of qontract-reconcile's SAPM (`saas_auto_promotions_manager/merge_request_manager`).

use std::collections::{BTreeMap, BTreeSet};

use crate::estate;
use crate::ports::{BOT, Forge};

/// Above this many channel sets a batch takes in no more.
const BATCH_SIZE: usize = 5;

/// What is promoted together: all subscribers of a channel set that differ from what is wanted, and that commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Content {
    app: usize,
    commit: String,
    subscribers: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Batch {
    contents: BTreeSet<Content>,
    /// Not if it came out of a batch that failed.
    is_batchable: bool,
}

/// The bot of the reference. What it writes down in descriptions it knows here.
pub(crate) struct Reference {
    apps: usize,
    open: BTreeMap<u64, Batch>,
    made: usize,
}

impl Reference {
    pub fn new(apps: usize) -> Self {
        Self { apps, open: BTreeMap::new(), made: 0 }
    }

    pub fn run(&mut self, forge: &Forge) {
        let open: BTreeSet<u64> =
            forge.project.open_merge_requests().iter().map(|mr| mr.iid).collect();
        self.open.retain(|iid, _| open.contains(iid));
        let wanted: BTreeSet<Content> =
            (0..self.apps).filter_map(|app| self.wanted(forge, app)).collect();
        self.close_outdated(forge, &wanted);
        let unbatched = self.unbatch(forge);
        for content in unbatched {
            self.open(forge, [content].into(), false);
        }
        self.batch_remaining(forge, &wanted);
    }

    fn wanted(&self, forge: &Forge, app: usize) -> Option<Content> {
        let commit = forge.facts.lock().unwrap().commits[&estate::url(app)].clone();
        let text = text(forge, app);
        let refs = estate::refs(&text).into_iter().enumerate();
        let subscribers: Vec<usize> = refs.filter(|(_, at)| *at != commit).map(|at| at.0).collect();
        (!subscribers.is_empty()).then_some(Content { app, commit, subscribers })
    }

    /// A merge request that holds anything that is not wanted any more is closed as a whole.
    fn close_outdated(&mut self, forge: &Forge, wanted: &BTreeSet<Content>) {
        let is_outdated = |batch: &Batch| !batch.contents.is_subset(wanted);
        let outdated = self.open.iter().filter(|(_, batch)| is_outdated(batch));
        let outdated: Vec<u64> = outdated.map(|(iid, _)| *iid).collect();
        for iid in outdated {
            self.close(forge, iid);
        }
    }

    /// Batches whose pipeline failed are closed; each of their contents gets a merge request of its own.
    fn unbatch(&mut self, forge: &Forge) -> BTreeSet<Content> {
        let pipelines = forge.pipelines.lock().unwrap().clone();
        let failed = |iid: &u64| pipelines.get(iid) == Some(&"failed");
        let batches = self.open.iter().filter(|(iid, batch)| batch.is_batchable && failed(iid));
        let failed: Vec<u64> = batches.map(|(iid, _)| *iid).collect();
        failed.into_iter().flat_map(|iid| self.close(forge, iid).contents).collect()
    }

    /// What is in no merge request goes with the first batch that has room, which is closed, into new ones.
    fn batch_remaining(&mut self, forge: &Forge, wanted: &BTreeSet<Content>) {
        let open: BTreeSet<&Content> =
            self.open.values().flat_map(|batch| &batch.contents).collect();
        let mut remaining: Vec<Content> =
            wanted.iter().filter(|content| !open.contains(content)).cloned().collect();
        if remaining.is_empty() {
            return;
        }
        let has_room = |batch: &Batch| batch.is_batchable && batch.contents.len() < BATCH_SIZE;
        let first = self.open.iter().find(|(_, batch)| has_room(batch)).map(|(iid, _)| *iid);
        if let Some(iid) = first {
            remaining.extend(self.close(forge, iid).contents);
        }
        for batch in remaining.chunks(BATCH_SIZE) {
            self.open(forge, batch.iter().cloned().collect(), true);
        }
    }

    fn close(&mut self, forge: &Forge, iid: u64) -> Batch {
        let branch = forge.project.merge_request(iid).unwrap().source_branch;
        forge.project.close(BOT, iid);
        forge.project.delete_branch(BOT, &branch);
        self.open.remove(&iid).unwrap()
    }

    fn open(&mut self, forge: &Forge, contents: BTreeSet<Content>, is_batchable: bool) {
        self.made += 1;
        let branch = format!("SAPM-{}", self.made);
        let changes: Vec<_> = contents
            .iter()
            .map(|content| {
                let new = estate::with_refs(&text(forge, content.app), |at, _| {
                    content.subscribers.contains(&at).then_some(content.commit.as_str())
                });
                (estate::saas_file(content.app), Some(new.into_bytes()))
            })
            .collect();
        forge.project.commit_from(BOT, &branch, Some("main"), "Promote", changes);
        let opened = forge.project.open_merge_request(BOT, &branch, "main", "Promote", "");
        self.open.insert(opened.unwrap(), Batch { contents, is_batchable });
    }
}

fn text(forge: &Forge, app: usize) -> String {
    String::from_utf8(forge.project.file("main", &estate::saas_file(app)).unwrap()).unwrap()
}
