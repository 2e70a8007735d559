//! Merge keys and duplicate keys: what a mapping really has.

use crate::tree::{Content, NodeId, Tree, flag};
use std::borrow::Cow;
use std::collections::HashMap;

/// Where the value of a key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The mapping that has the key: the one that was asked, or one that is merged into it.
    pub mapping: NodeId,
    /// The key as written.
    pub key: NodeId,
    /// The value as written, maybe an alias.
    pub value: NodeId,
}

impl Tree {
    /// The mappings that a merge key brings in, the strongest first.
    pub(crate) fn merge_sources(&self, value: NodeId) -> Vec<NodeId> {
        let value = self.resolve(value);
        match self.raw(value).content {
            Content::Sequence => {
                self.raw_children(value).iter().map(|id| self.resolve(*id)).collect()
            }
            _ => vec![value],
        }
    }

    /// The value of a key: the last of its own, else the first that a merge key gives.
    ///
    /// Recursion ends: the depth of a tree is limited with its merge keys followed.
    pub(crate) fn lookup(&self, mapping: NodeId, key: &str) -> Option<Found> {
        let mapping = self.resolve(mapping);
        let merges = self.raw(mapping).has(flag::MERGE);
        for (name, value) in self.raw_pairs(mapping).rev() {
            if self.key_text(name) == key && !(merges && self.is_merge_key(name)) {
                return Some(Found { mapping, key: name, value });
            }
        }
        if !merges {
            return None;
        }
        // a later merge key overwrites what an earlier one gave
        let mut merged = self.raw_pairs(mapping).rev().filter(|(name, _)| self.is_merge_key(*name));
        merged.find_map(|(_, value)| {
            self.merge_sources(value).into_iter().find_map(|source| self.lookup(source, key))
        })
    }

    /// Keys and values (as written, maybe aliases) that a mapping has after merging.
    pub(crate) fn effective(&self, mapping: NodeId) -> Vec<(Cow<'_, str>, NodeId)> {
        let mapping = self.resolve(mapping);
        let node = self.raw(mapping);
        if !node.has(flag::MERGE | flag::DUPLICATES) {
            return self
                .raw_pairs(mapping)
                .map(|(key, value)| (self.key_text(key), value))
                .collect();
        }
        let mut all = Vec::new();
        self.flatten(mapping, &mut all);
        // a dict keeps the place of the first and the value of the last
        let mut places: HashMap<Cow<'_, str>, usize> = HashMap::new();
        let mut entries: Vec<(Cow<'_, str>, NodeId)> = Vec::new();
        for (key, value) in all {
            match places.get(&key) {
                Some(place) => entries[*place].1 = value,
                None => {
                    places.insert(key.clone(), entries.len());
                    entries.push((key, value));
                }
            }
        }
        entries
    }

    /// All keys and values, weaker ones first.
    fn flatten<'a>(&'a self, mapping: NodeId, all: &mut Vec<(Cow<'a, str>, NodeId)>) {
        let merges = self.raw(mapping).has(flag::MERGE);
        if merges {
            for (key, value) in self.raw_pairs(mapping) {
                if self.is_merge_key(key) {
                    for source in self.merge_sources(value).into_iter().rev() {
                        self.flatten(source, all);
                    }
                }
            }
        }
        for (key, value) in self.raw_pairs(mapping) {
            if !(merges && self.is_merge_key(key)) {
                all.push((self.key_text(key), value));
            }
        }
    }

    /// The later one of two keys as written that read the same.
    pub(crate) fn duplicate_of(&self, mapping: NodeId, key: &str) -> Option<NodeId> {
        if !self.raw(mapping).has(flag::DUPLICATES) {
            return None;
        }
        let merges = self.raw(mapping).has(flag::MERGE);
        let same = |id: &NodeId| self.key_text(*id) == key && !(merges && self.is_merge_key(*id));
        self.raw_pairs(mapping).map(|(name, _)| name).filter(same).nth(1)
    }
}
