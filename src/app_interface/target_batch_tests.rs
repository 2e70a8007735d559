use super::*;
use yaml11::{Limits, NodeRef, edit, patch, rereads, try_each};

/// A list of targets with a `ref` each.
fn list(refs: &[&str]) -> Tree {
    let targets: String = refs.iter().map(|text| format!("- ref: {text}\n")).collect();
    parse(&targets)
}

fn parse(text: &str) -> Tree {
    Tree::parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|e| panic!("{e}: {text:?}"))
}

/// One change per item of the document.
fn changes(tree: &Tree, hashes: &[HashEdit]) -> Vec<Vec<TargetEdit>> {
    let edit = |target: NodeRef<'_>| TargetEdit {
        target: target.id(),
        new_ref: target.get("ref").map(|_| "new".to_owned()),
        ref_mode: AliasMode::InPlace,
        hashes: hashes.to_vec(),
    };
    tree.root().items().map(|target| vec![edit(target)]).collect()
}

/// The changes that cannot be made, and how many texts were parsed again to find out.
#[track_caller]
fn refused(tree: &Tree, hashes: &[HashEdit]) -> (Vec<usize>, usize) {
    let changes = changes(tree, hashes);
    let alone: Vec<_> = changes.iter().map(|change| patch(tree, change)).collect();
    let before = rereads();
    let answers = try_each(tree, &changes);
    assert_eq!(answers, alone);
    let refused = answers.iter().enumerate().filter(|(_, answer)| answer.is_err());
    (refused.map(|(index, _)| index).collect(), rereads() - before)
}

#[test]
fn a_text_is_parsed_again_once_for_many_edits() {
    for count in [2, 30, 300] {
        assert_eq!(refused(&list(&vec!["old"; count]), &[]), (vec![], 1));
    }
    assert_eq!(refused(&list(&[]), &[]), (vec![], 0));
    assert_eq!(refused(&list(&["new", "new"]), &[]), (vec![], 0), "nothing is to change");
    let mut refs = vec!["old"; 300];
    refs[211] = "!!int 1";
    assert_eq!(refused(&list(&refs), &[]), (vec![211], 1), "it is not even tried");
}

#[test]
fn shared_values_are_tried_alone() {
    let mut refs = vec!["old"; 300];
    (refs[7], refs[8]) = ("&r old", "*r");
    assert_eq!(refused(&list(&refs), &[]), (vec![7, 8], 1 + 2 + 2));
    // Together they would be valid.
    let hash = HashEdit {
        channel: "c".to_owned(),
        parent_saas: "s".to_owned(),
        target_config_hash: "aaaa".to_owned(),
    };
    let tree = parse("- promotion: &p {auto: true}\n- promotion: *p\n");
    let both: Vec<TargetEdit> = changes(&tree, std::slice::from_ref(&hash)).concat();
    assert!(edit(&tree, &both).is_ok());
    assert_eq!(refused(&tree, &[hash]), (vec![0, 1], 4));
}

#[test]
fn conflicting_edits_are_found_by_bisection() {
    let tree = list(&["old"; 64]);
    let mut changes = changes(&tree, &[]);
    // The last target must also stay unchanged.
    changes.push(changes[63].clone());
    changes[64][0].new_ref = Some("old".to_owned());
    let before = rereads();
    assert!(try_each(&tree, &changes).iter().all(Result::is_ok));
    assert!(rereads() - before <= 2 * 7, "{}", rereads() - before);
}
