//! Promotes targets by editing the text of a datafile.

use std::collections::BTreeMap;

use yaml11::{
    AliasMode, Edit, EditError, Editor, Entry, Kind, NodeId, NodePath, Splice, Tree, Value,
    wrong_kind,
};

const PROMOTION: &str = "promotion";
const PROMOTION_DATA: &str = "promotion_data";
const PARENT_SAAS_CONFIG: &str = "parent_saas_config";

/// The edit of one target.
///
/// Sets the target's `ref`. For each hash, sets it in every `parent_saas_config` of that `parent_saas` in every item of
/// that channel in `promotion.promotion_data`. If there is no such item, appends one and creates the list if needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetEdit {
    /// The target's mapping.
    pub target: NodeId,
    /// Its new `ref`; `None` keeps the current one.
    pub new_ref: Option<String>,
    /// What to do if the `ref` is an alias.
    pub ref_mode: AliasMode,
    /// The desired config hashes.
    pub hashes: Vec<HashEdit>,
}

/// A desired config hash of a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashEdit {
    /// The channel.
    pub channel: String,
    /// The publisher's saas file.
    pub parent_saas: String,
    /// The hash.
    pub target_config_hash: String,
}

impl Edit for TargetEdit {
    fn node(&self) -> NodeId {
        self.target
    }

    fn apply_to(&self, value: &mut Value) {
        if let Some(text) = &self.new_ref {
            value.set("ref", text);
        }
        let Value::Map(target) = value else {
            return;
        };
        let Some(Value::Map(promotion)) = target.get_mut(PROMOTION) else {
            return;
        };
        for hash in &self.hashes {
            let items = promotion
                .entry(PROMOTION_DATA.to_owned())
                .or_insert_with(|| Value::List(Vec::new()));
            if items.is_null() {
                *items = Value::List(Vec::new());
            }
            let Value::List(items) = items else {
                return;
            };
            let mut any = false;
            for item in items.iter_mut() {
                let of_channel = item.field("channel").is_some_and(|c| c.reads(&hash.channel));
                let Value::Map(item) = item else {
                    continue;
                };
                if let (true, Some(Value::List(data))) = (of_channel, item.get_mut("data")) {
                    for entry in data {
                        let of_type =
                            entry.field("type").is_some_and(|t| t.reads(PARENT_SAAS_CONFIG));
                        if of_type
                            && entry
                                .field("parent_saas")
                                .is_some_and(|p| p.reads(&hash.parent_saas))
                        {
                            entry.set("target_config_hash", &hash.target_config_hash);
                            any = true;
                        }
                    }
                }
            }
            if !any {
                let entry = [
                    ("parent_saas", hash.parent_saas.as_str()),
                    ("target_config_hash", &hash.target_config_hash),
                    ("type", PARENT_SAAS_CONFIG),
                ];
                let entry = entry.into_iter().map(|(k, v)| (k.to_owned(), Value::str(v))).collect();
                items.push(Value::Map(BTreeMap::from([
                    ("channel".to_owned(), Value::str(&hash.channel)),
                    ("data".to_owned(), Value::List(vec![Value::Map(entry)])),
                ])));
            }
        }
    }

    fn splices(tree: &Tree, edits: &[Self], mode: AliasMode) -> Result<Vec<Splice>, EditError> {
        let mut plan = Plan { tree, editor: Editor::new(tree), hash_mode: mode };
        edits.iter().try_for_each(|edit| plan.target(edit))?;
        plan.editor.finish()
    }
}

struct Plan<'a> {
    tree: &'a Tree,
    editor: Editor<'a>,
    hash_mode: AliasMode,
}

impl Plan<'_> {
    fn target(&mut self, edit: &TargetEdit) -> Result<(), EditError> {
        let target = self.tree.node(edit.target);
        let way = self.editor.way_to(target.id(), "the target")?;
        if let Some(text) = &edit.new_ref {
            self.new_ref(target.id(), &way, text, edit.ref_mode)?;
        }
        for (i, hash) in edit.hashes.iter().enumerate() {
            let same = |other: &&HashEdit| {
                other.channel == hash.channel && other.parent_saas == hash.parent_saas
            };
            if edit.hashes[..i].iter().find(same).is_some_and(|other| other != hash) {
                return Err(EditError::Conflict {
                    at: target.position(),
                    what: format!("{} of {}", hash.channel, hash.parent_saas),
                });
            }
            self.hash(target.id(), &way, hash)?;
        }
        Ok(())
    }

    fn new_ref(
        &mut self,
        target: NodeId,
        way: &NodePath,
        text: &str,
        mode: AliasMode,
    ) -> Result<(), EditError> {
        let site = self.tree.value_site(target, "ref")?;
        let written = self.editor.child(target, "ref", way)?.unwrap_or(site.value);
        self.editor.replace(written, text, mode, &way.key("ref"))
    }

    fn hash(&mut self, target: NodeId, way: &NodePath, hash: &HashEdit) -> Result<(), EditError> {
        let tree = self.tree;
        let at = tree.node(target).position();
        let promotion = self
            .editor
            .child(target, PROMOTION, way)?
            .ok_or(EditError::Missing { at, what: PROMOTION })?;
        let promotion = tree.node(promotion).id();
        let way = way.key(PROMOTION);
        if tree.node(promotion).kind() != Kind::Mapping {
            return Err(wrong_kind(tree, promotion, &way.to_string(), "a mapping"));
        }
        let list = self.editor.child(promotion, PROMOTION_DATA, &way)?;
        let way = way.key(PROMOTION_DATA);
        let mut any = false;
        if let Some(list) = list {
            let list = tree.node(list);
            if list.kind() != Kind::Sequence && !list.is_null() {
                return Err(wrong_kind(tree, list.id(), &way.to_string(), "a list"));
            }
            for (i, item) in list.items().enumerate() {
                if item.get("channel").and_then(|c| c.text()).is_none_or(|c| c != hash.channel) {
                    continue;
                }
                any |= self.hash_in(item.id(), &way.index(i), hash)?;
            }
        }
        if !any {
            self.editor.append(promotion, PROMOTION_DATA, new_item(hash));
        }
        Ok(())
    }

    /// Sets a hash in an item of its channel; returns whether the item has an entry for it.
    fn hash_in(
        &mut self,
        item: NodeId,
        way: &NodePath,
        hash: &HashEdit,
    ) -> Result<bool, EditError> {
        let tree = self.tree;
        let is = |entry: NodeId, key: &str, text: &str| {
            tree.node(entry).get(key).and_then(|v| v.text()).is_some_and(|t| t == text)
        };
        let Some(data) = tree.node(item).get("data") else {
            return Ok(false);
        };
        let way = way.key("data");
        let mut any = false;
        for (i, entry) in data.items().map(|e| e.id()).enumerate() {
            if !is(entry, "type", PARENT_SAAS_CONFIG)
                || !is(entry, "parent_saas", &hash.parent_saas)
            {
                continue;
            }
            any = true;
            let way = way.index(i);
            self.editor.check_way(&way)?;
            match self.editor.child(entry, "target_config_hash", &way)? {
                Some(written) => self.editor.replace(
                    written,
                    &hash.target_config_hash,
                    self.hash_mode,
                    &way.key("target_config_hash"),
                )?,
                None => {
                    self.editor.add_key(entry, "target_config_hash", &hash.target_config_hash)?
                }
            }
        }
        Ok(any)
    }
}

/// An item of `promotion_data` with one hash.
fn new_item(hash: &HashEdit) -> Entry {
    let text = |text: &str| Entry::Text(text.to_owned());
    let data = Entry::Map(vec![
        ("parent_saas", text(&hash.parent_saas)),
        ("target_config_hash", text(&hash.target_config_hash)),
        ("type", text(PARENT_SAAS_CONFIG)),
    ]);
    Entry::Map(vec![("channel", text(&hash.channel)), ("data", Entry::List(vec![data]))])
}

#[cfg(test)]
#[path = "target_batch_tests.rs"]
mod batch_tests;
#[cfg(test)]
#[path = "target_edit_tests.rs"]
mod tests;
