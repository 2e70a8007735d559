//! The expected result of an edit.

use sapm::app_interface::{HashEdit, TargetEdit};
use serde_json::{Value, json};
use yaml11::{AliasMode, Limits, NodeId, NodePath, NodeRef, Step, Tree};

use super::dice::Dice;
use super::page::{HASHES, NAMES, REFS};

pub fn parse(text: &str) -> Tree {
    Tree::parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

pub fn targets(tree: &Tree) -> Vec<NodeRef<'_>> {
    let templates = tree.root().get("resourceTemplates").into_iter().flat_map(|t| t.items());
    templates.flat_map(|t| t.get("targets").into_iter().flat_map(|t| t.items())).collect()
}

/// The rule of section "The edit", on JSON.
fn promoted(target: &mut Value, edit: &TargetEdit) {
    let reads = |value: Option<&Value>, text: &str| match value {
        Some(Value::String(s)) => s == text,
        Some(Value::Number(n)) => n.to_string() == text,
        _ => false,
    };
    let set = |map: &mut Value, key: &str, text: &str| {
        if !reads(map.get(key), text) {
            map[key] = json!(text);
        }
    };
    if let Some(text) = &edit.new_ref {
        set(target, "ref", text);
    }
    for hash in &edit.hashes {
        let list = &mut target["promotion"]["promotion_data"];
        if list.is_null() {
            *list = json!([]);
        }
        let items = list.as_array_mut().expect("a list");
        let mut places = 0;
        for item in items.iter_mut().filter(|i| reads(i.get("channel"), &hash.channel)) {
            let data = item.get_mut("data").and_then(Value::as_array_mut);
            for entry in data.into_iter().flatten() {
                if reads(entry.get("type"), "parent_saas_config")
                    && reads(entry.get("parent_saas"), &hash.parent_saas)
                {
                    set(entry, "target_config_hash", &hash.target_config_hash);
                    places += 1;
                }
            }
        }
        if places == 0 {
            items.push(json!({"channel": hash.channel, "data": [{
                "parent_saas": hash.parent_saas,
                "target_config_hash": hash.target_config_hash,
                "type": "parent_saas_config"}]}));
        }
    }
}

fn at_mut<'v>(value: &'v mut Value, path: &NodePath) -> Option<&'v mut Value> {
    path.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(i) => value.get_mut(*i),
    })
}

pub fn expected(tree: &Tree, edits: &[TargetEdit]) -> Value {
    let mut value = tree.root().to_json();
    for edit in edits {
        for path in tree.usages(edit.target) {
            promoted(at_mut(&mut value, &path).expect("the place is there"), edit);
        }
    }
    value
}

pub fn random_edit(dice: &mut Dice, target: NodeId, hashes: usize) -> TargetEdit {
    let mut wanted: Vec<HashEdit> = Vec::new();
    for _ in 0..dice.below(hashes + 1) {
        let (channel, parent_saas) = (dice.of(NAMES).to_owned(), dice.of(NAMES).to_owned());
        if !wanted.iter().any(|h| h.channel == channel && h.parent_saas == parent_saas) {
            let target_config_hash = dice.of(HASHES).to_owned();
            wanted.push(HashEdit { channel, parent_saas, target_config_hash });
        }
    }
    TargetEdit {
        target,
        new_ref: (!dice.chance(6)).then(|| dice.of(REFS).to_owned()),
        ref_mode: dice.of(&[AliasMode::InPlace, AliasMode::OwnValue]),
        hashes: wanted,
    }
}

pub fn edit_again(new: &Tree, old: &Tree, edits: &[TargetEdit]) -> Vec<TargetEdit> {
    let path = |w: &TargetEdit| old.usages(w.target).into_iter().next().expect("has a place");
    let same = |w: &TargetEdit| new.at_path(&path(w)).expect("the place is still there").id();
    edits.iter().map(|w| TargetEdit { target: same(w), ..w.clone() }).collect()
}

/// Checks that only lines with a changed value differ, and that no line break changes.
pub fn check_lines(old: &str, new: &str, edits: &[TargetEdit]) {
    let hashes: usize = edits.iter().map(|w| w.hashes.len()).sum();
    let mut rest: Vec<&str> = new.split('\n').collect();
    let mut gone = Vec::new();
    for line in old.split('\n') {
        match rest.iter().position(|l| l.trim_end_matches('\r') == line.trim_end_matches('\r')) {
            Some(i) => drop(rest.remove(i)),
            None => gone.push(line),
        }
    }
    for line in &gone {
        let may = ["ref", "\u{3a} ", "target_config_hash", "promotion_data", "{"];
        assert!(may.iter().any(|m| line.contains(m)), "{line:?} is gone:\n{old}\n->\n{new}");
    }
    let changed = edits.len() + 8 * hashes;
    assert!(
        gone.len() <= changed && rest.len() <= changed,
        "too many lines differ:\n{old}\n->\n{new}"
    );
    let comments =
        |text: &str| text.lines().filter(|l| l.trim_start().starts_with(['#', '%'])).count();
    assert_eq!(comments(old), comments(new), "a comment is gone:\n{new}");
    if old.contains("\r\n") {
        assert_eq!(
            new.matches('\n').count(),
            new.matches("\r\n").count(),
            "mixed line ends:\n{new:?}"
        );
    } else {
        assert!(!new.contains('\r'));
    }
    assert_eq!(old.ends_with('\n'), new.ends_with('\n'), "the end of the file:\n{new:?}");
    assert_eq!(old.starts_with('\u{feff}'), new.starts_with('\u{feff}'));
}
