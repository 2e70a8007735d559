//! Edits change exactly what is wanted.

use proptest::prelude::*;
use sapm::app_interface::TargetEdit;
use yaml11::{Limits, NodeId, Tree, edit, patch, try_each};

use super::damage::{mutilated, shared};
use super::desired_edits::{check_lines, edit_again, expected, parse, random_edit, targets};
use super::dice::{Dice, dice};
use super::page::Page;

/// Changes of one or two targets each, sometimes with the same values as another or for the same target.
fn changes(tree: &Tree, choices: &mut Dice) -> Vec<Vec<TargetEdit>> {
    let all: Vec<NodeId> = targets(tree).iter().map(|target| target.id()).collect();
    let mut changes: Vec<Vec<TargetEdit>> = Vec::new();
    for (number, &target) in all.iter().enumerate() {
        let target = if choices.chance(8) { all[0] } else { target };
        let new = match changes.iter().flatten().last() {
            Some(last) if choices.chance(2) => TargetEdit { target, ..last.clone() },
            _ => random_edit(choices, target, 2),
        };
        match changes.last_mut() {
            Some(last) if number > 0 && choices.chance(5) => last.push(new),
            _ => changes.push(vec![new]),
        }
    }
    changes
}

#[track_caller]
fn tried_together_as_one_by_one(text: &str, choices: &mut Dice) {
    let Ok(tree) = Tree::parse(text.as_bytes(), &Limits::default()) else { return };
    let changes = changes(&tree, choices);
    let alone: Vec<_> = changes.iter().map(|change| patch(&tree, change)).collect();
    assert_eq!(try_each(&tree, &changes), alone, "{changes:?}\n{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_changes_exactly_what_is_wanted(page in dice(600), mut choices in dice(30)) {
        let text = Page::document(page);
        let tree = parse(&text);
        let all = targets(&tree);
        prop_assert_eq!(all.len(), 3);
        let first = choices.below(3);
        let mut edits = vec![random_edit(&mut choices, all[first].id(), 3)];
        if choices.chance(2) {
            edits.push(random_edit(&mut choices, all[(first + 1) % 3].id(), 3));
        }
        let new = match edit(&tree, &edits) {
            Ok(new) => new,
            Err(e) => panic!("{e}\n{edits:?}\n{text}"),
        };
        let new_tree = parse(&new);
        prop_assert_eq!(new_tree.root().to_json(), expected(&tree, &edits), "\n{}\n->\n{}", text, new);
        for (w, path) in edits.iter().flat_map(|w| tree.usages(w.target).into_iter().map(move |p| (w, p))) {
            if let Some(wanted) = &w.new_ref {
                let now = new_tree.at_path(&path.key("ref")).and_then(|r| r.text());
                prop_assert_eq!(now.as_deref(), Some(wanted.as_str()));
            }
        }
        check_lines(&text, &new, &edits);
        prop_assert_eq!(edit(&new_tree, &edit_again(&new_tree, &tree, &edits)), Ok(new));
    }

    #[test]
    fn shared_values_never_change_for_others(mut choices in dice(40)) {
        let text = shared(&mut choices);
        let tree = parse(&text);
        let all = targets(&tree);
        let mut edits: Vec<TargetEdit> = Vec::new();
        let common = random_edit(&mut choices, all[0].id(), 1);
        for target in &all {
            if choices.chance(2) && !edits.iter().any(|w| w.target == target.id()) {
                edits.push(TargetEdit { target: target.id(), ..common.clone() });
            }
        }
        if let Ok(new) = edit(&tree, &edits) {
            let new_tree = parse(&new);
            prop_assert_eq!(new_tree.root().to_json(), expected(&tree, &edits), "\n{}\n->\n{}", text, new);
            prop_assert_eq!(edit(&new_tree, &edit_again(&new_tree, &tree, &edits)), Ok(new));
        }
    }

    #[test]
    fn trying_edits_together_equals_trying_each_in_pages(page in dice(600), mut choices in dice(120)) {
        let page = Page::document(page);
        tried_together_as_one_by_one(&page, &mut choices);
        let aliases = shared(&mut choices);
        tried_together_as_one_by_one(&aliases, &mut choices);
        let text = if choices.chance(2) { page } else { aliases };
        tried_together_as_one_by_one(&mutilated(text, &mut choices), &mut choices);
    }
}
