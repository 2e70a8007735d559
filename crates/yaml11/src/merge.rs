//! Resolves merge keys and duplicate keys.

use crate::tree::{Content, NodeId, Tree, flag};
use std::borrow::Cow;
use std::collections::HashMap;

/// Where the value of a key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The mapping that has the key: the requested one, or one that is merged into it.
    pub mapping: NodeId,
    /// The key as written.
    pub key: NodeId,
    /// The value, with aliases not resolved.
    pub value: NodeId,
}

impl Tree {
    /// The mappings that a merge key merges, the one with precedence first.
    pub(crate) fn merge_sources(&self, value: NodeId) -> Vec<NodeId> {
        let value = self.resolve(value);
        match self.raw(value).content {
            Content::Sequence => {
                self.raw_children(value).iter().map(|id| self.resolve(*id)).collect()
            }
            _ => vec![value],
        }
    }

    /// The value of a key: the last of its own, else the first from a merge key.
    ///
    /// Recursion ends, because the depth of a tree is limited with its merge keys resolved.
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
        // a later merge key overrides an earlier one
        let mut merged = self.raw_pairs(mapping).rev().filter(|(name, _)| self.is_merge_key(*name));
        merged.find_map(|(_, value)| {
            self.merge_sources(value).into_iter().find_map(|source| self.lookup(source, key))
        })
    }

    /// Keys and values of a mapping after merging, with aliases not resolved.
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
        // a dict keeps the position of the first and the value of the last
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

    /// All keys and values, those that are overridden first.
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

    /// The later of two written keys that are equal.
    pub(crate) fn duplicate_of(&self, mapping: NodeId, key: &str) -> Option<NodeId> {
        if !self.raw(mapping).has(flag::DUPLICATES) {
            return None;
        }
        let merges = self.raw(mapping).has(flag::MERGE);
        let same = |id: &NodeId| self.key_text(*id) == key && !(merges && self.is_merge_key(*id));
        self.raw_pairs(mapping).map(|(name, _)| name).filter(same).nth(1)
    }
}
