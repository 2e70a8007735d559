//! What a merge request moves: the targets whose values differ between two texts of a file, and what else differs.
//!
//! Both old promoters write whole files through a YAML dumper, so most lines of their diffs are layout. The texts are read
//! and compared by value instead.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::app_interface::{Bundle, CurrentHash};
use crate::domain::{TargetIdentity, TargetUid, UidDigest};
use crate::inventory::Inventory;
use yaml11::{Limits, Tree};

/// YAML paths of other differences that are told at most.
const MAX_OTHERS: usize = 10;

/// A target that gets other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Targets of the declaration; several where it is shared or has a selector, none where it is not known.
    pub uids: Vec<TargetUid>,
    /// Where the declaration stands, for people.
    pub location: String,
    /// Its ref before.
    pub from: String,
    /// Its ref after.
    pub to: String,
    /// Config hashes that it has after and had not before.
    pub hashes: Vec<CurrentHash>,
}

/// What a merge request does in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileMoves {
    /// Targets that get other values, in file order.
    pub moves: Vec<Move>,
    /// YAML paths at which something else than a target's ref or `promotion_data` differs.
    pub others: Vec<String>,
}

/// What tells declarations of a file apart: resource template, name, namespace or selector.
type Key = (String, Option<String>, String);

/// Compares two texts of a datafile (`file` is its path from `data/`). A file without targets has no moves.
///
/// # Errors
/// In words, when one of the texts is no YAML.
pub fn read_moves(
    (before, after): (&str, &str),
    file: &str,
    (bundle, inventory): (&Bundle, &Inventory),
    digest: UidDigest,
) -> Result<FileMoves, String> {
    let parse = |text: &str| {
        let tree = Tree::parse(text.as_bytes(), &Limits::default());
        tree.map(|tree| tree.root().to_json()).map_err(|error| format!("{file}: {error}"))
    };
    let (mut old, mut new) = (parse(before)?, parse(after)?);
    // A shared target file has a name of its own, which is the target's.
    let is_saas_file = old.get("resourceTemplates").is_some();
    let saas_file = if is_saas_file { text(&old, "name") } else { String::new() };
    let (old_targets, new_targets) = (take_targets(&mut old), take_targets(&mut new));
    let mut found = FileMoves::default();
    differing(&old, &new, String::new(), &mut found.others);
    for (key, (location, old)) in &old_targets {
        let Some((_, new)) = new_targets.get(key) else { continue };
        let hashes: Vec<_> =
            new.hashes.iter().filter(|hash| !old.hashes.contains(hash)).cloned().collect();
        if old.git_ref == new.git_ref && hashes.is_empty() {
            continue;
        }
        let identity = Identity { file, saas_file: &saas_file, bundle, inventory, digest };
        found.moves.push(Move {
            uids: identity.uids(key),
            location: format!("{file} {location}"),
            from: old.git_ref.clone(),
            to: new.git_ref.clone(),
            hashes,
        });
    }
    found.others.truncate(MAX_OTHERS);
    Ok(found)
}

/// The values of a target that promotions change.
#[derive(Debug, Clone, Default)]
struct Values {
    git_ref: String,
    hashes: Vec<CurrentHash>,
}

/// Takes the values that promotions change out of all targets of a file: what is left is everything else.
fn take_targets(root: &mut Value) -> BTreeMap<Key, (String, Values)> {
    let mut found = BTreeMap::new();
    if root.get("resourceTemplates").is_none() {
        // A shared target file is one target.
        if let Value::Object(fields) = root
            && fields.contains_key("ref")
        {
            let values = take_values(fields);
            found.insert(key(String::new(), fields), (String::new(), values));
        }
        return found;
    }
    let templates = root.get_mut("resourceTemplates").and_then(Value::as_array_mut);
    for (at, template) in templates.into_iter().flatten().enumerate() {
        let name = text(template, "name");
        let targets = template.get_mut("targets").and_then(Value::as_array_mut);
        for (number, target) in targets.into_iter().flatten().enumerate() {
            let Value::Object(fields) = target else { continue };
            if !fields.contains_key("ref") {
                continue;
            }
            let values = take_values(fields);
            let location = format!("resourceTemplates[{at}].targets[{number}]");
            found.entry(key(name.clone(), fields)).or_insert((location, values));
        }
    }
    found
}

fn key(template: String, target: &Map<String, Value>) -> Key {
    let name = target.get("name").and_then(Value::as_str).map(str::to_owned);
    let at = |key: &str| target.get(key).map(Value::to_string);
    (template, name, at("namespace").or_else(|| at("namespaceSelector")).unwrap_or_default())
}

fn take_values(target: &mut Map<String, Value>) -> Values {
    let git_ref = target.remove("ref").map(|value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    });
    let data = target
        .get_mut("promotion")
        .and_then(Value::as_object_mut)
        .and_then(|promotion| promotion.remove("promotion_data"));
    Values { git_ref: git_ref.unwrap_or_default(), hashes: data.map(hashes).unwrap_or_default() }
}

fn hashes(data: Value) -> Vec<CurrentHash> {
    let mut found = Vec::new();
    for item in data.as_array().into_iter().flatten() {
        for entry in item.get("data").and_then(Value::as_array).into_iter().flatten() {
            if text(entry, "type") == "parent_saas_config" {
                found.push(CurrentHash {
                    channel: text(item, "channel"),
                    parent_saas: text(entry, "parent_saas"),
                    target_config_hash: text(entry, "target_config_hash"),
                });
            }
        }
    }
    found
}

/// A field as a text, also where a dumper made another type of it.
fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Who a declaration is.
struct Identity<'a> {
    file: &'a str,
    saas_file: &'a str,
    bundle: &'a Bundle,
    inventory: &'a Inventory,
    digest: UidDigest,
}

impl Identity<'_> {
    fn uids(&self, (template, name, location): &Key) -> Vec<TargetUid> {
        let location: Value = serde_json::from_str(location).unwrap_or_default();
        let namespace = location.get("$ref").and_then(Value::as_str);
        if let Some(namespace) = namespace.and_then(|path| self.bundle.namespaces.get(path))
            && !self.saas_file.is_empty()
        {
            let identity = TargetIdentity {
                saas_file: self.saas_file,
                resource_template: template,
                target: name.as_deref(),
                cluster: &namespace.cluster.name,
                namespace: &namespace.name,
            };
            return vec![identity.uid(self.digest)];
        }
        // A selector, or a target file that several saas files share: as they are now.
        let targets = self.inventory.targets.iter();
        let shared = self.saas_file.is_empty();
        let found = targets.filter(|target| {
            target.declared_at.file == self.file
                && (shared || (target.resource_template == *template && target.name == *name))
        });
        found.map(|target| target.uid.clone()).collect()
    }
}

/// YAML paths at which two values differ, as long as there is room for them.
fn differing(old: &Value, new: &Value, path: String, found: &mut Vec<String>) {
    if old == new || found.len() > MAX_OTHERS {
        return;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let at = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                differing(&at(old), &at(new), path, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                differing(old, new, format!("{path}[{at}]"), found);
            }
        }
        _ => found.push(path),
    }
}
