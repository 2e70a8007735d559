//! Any file is either parsed or rejected.

use proptest::prelude::*;
use sapm::app_interface::{Sniff, sniff_schema};
use yaml11::{Kind, Limits, NodeRef, Tree, edit};

use super::damage::{PIECES, mutilated};
use super::desired_edits::{expected, parse, random_edit, targets};
use super::dice::dice;
use super::page::Page;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutilated_text_is_read_or_refused(page in dice(200), mut choices in dice(60)) {
        let text = mutilated(Page::document(page), &mut choices);
        check_sniff(text.as_bytes())?;
        let Ok(tree) = Tree::parse(text.as_bytes(), &Limits::default()) else {
            return Ok(());
        };
        for target in targets(&tree) {
            let edits = [random_edit(&mut choices, target.id(), 2)];
            if let Ok(new) = edit(&tree, &edits) {
                let new_tree = parse(&new);
                prop_assert_eq!(new_tree.root().to_json(), expected(&tree, &edits), "\n{}\n->\n{}", text, new);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_sniff(&bytes)?;
        let _ = Tree::parse(&bytes, &Limits::default()).map(|tree| touch(&tree));
    }

    #[test]
    fn any_pieces_are_read_or_refused(mut choices in dice(80)) {
        let n = choices.below(60);
        let text: String = (0..n).map(|_| choices.of(PIECES)).collect();
        check_sniff(text.as_bytes())?;
        if let Ok(tree) = Tree::parse(text.as_bytes(), &Limits::default()) {
            touch(&tree);
            let root = random_edit(&mut choices, tree.root().id(), 2);
            if let Ok(new) = edit(&tree, &[root]) {
                parse(&new);
            }
        }
    }
}

/// Visits everything in a tree.
fn touch(tree: &Tree) {
    fn visit(node: NodeRef<'_>, tree: &Tree) {
        assert!(tree.text().get(node.span()).is_some());
        assert!(node.position().line > 0 && node.position().column > 0);
        assert!(node.text().is_none() || node.kind() == Kind::Scalar);
        node.items().for_each(|item| visit(item, tree));
        node.entries().for_each(|(key, value)| {
            assert_eq!(node.get(&key).map(NodeRef::id), Some(value.id()));
            visit(value, tree);
        });
    }
    visit(tree.root(), tree);
    tree.root().to_json();
    tree.usages(tree.root().id());
}

fn check_sniff(bytes: &[u8]) -> Result<(), TestCaseError> {
    let sniffed = sniff_schema(bytes);
    if let Ok(tree) = Tree::parse(bytes, &Limits::default()) {
        let schema = tree.root().get("$schema");
        let right = match &sniffed {
            Sniff::Unknown => true,
            Sniff::None => schema.is_none(),
            Sniff::Found(value) => schema.and_then(|s| s.text()).as_ref() == Some(value),
        };
        prop_assert!(right, "{:?}, but it is {:?}", sniffed, schema.map(NodeRef::to_json));
    }
    Ok(())
}
